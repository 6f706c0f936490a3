import ArgumentParser
import Service

/// `quiver inspect`: what a model folder holds, and what of it is used.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a model folder holds, and every limit.")

    @Argument(help: "Folder of a Sentence-Transformers or Hugging Face model.")
    var folder: String

    func run() throws {
        for line in try ModelInspection(folder: folder).lines {
            print(line)
        }
    }
}
