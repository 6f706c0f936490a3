import ArgumentParser
import Service

/// `quiver inspect`: what a model folder holds, and what of it is used.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a model folder holds, and every limit.")

    @Argument(help: "Folder of a Sentence-Transformers or Hugging Face model.")
    var folder: String

    @Flag(help: "Load the weights too, in int8, and name the layers that it leaves in bfloat16.")
    var int8 = false

    func run() throws {
        for line in try ModelInspection(folder: folder, loadsInt8: int8).lines {
            print(line)
        }
    }
}
