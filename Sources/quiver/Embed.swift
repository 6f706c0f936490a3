import ArgumentParser
import Glibc
import Service

/// `quiver embed`: texts from standard input to vectors on standard output.
struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embed texts from standard input, one a line.",
        discussion: """
            npy is one float32 array [texts, dimensions], as numpy.load reads it; jsonl is one
            object {"index", "embedding"} a line, written as soon as it is there.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case npy, jsonl
    }

    @OptionGroup var model: ModelOptions

    @Option(help: "Format of the vectors: npy or jsonl.")
    var output = Format.npy

    @Option(help: "Prompt of the model's folder to put before each text, by its name.")
    var promptName: String?

    @Option(help: "Prompt to put before each text, in full; not with --prompt-name.")
    var prompt: String?

    @Option(help: "What the texts are for, query or document: takes the folder's prompt for it.")
    var inputType: InputType?

    @Option(
        help: "A text longer than the model: truncate it, or take the mean of its chunks' vectors.")
    var longText = LongText.truncate

    enum LongText: String, ExpressibleByArgument, CaseIterable {
        case truncate, mean
    }

    enum InputType: String, ExpressibleByArgument, CaseIterable {
        case query, document
    }

    func run() throws {
        if output == .npy && isatty(STDOUT_FILENO) == 1 {
            throw StartError(
                "npy is binary: redirect standard output to a file, or use --output jsonl")
        }
        var context = ContextChoice()
        context.longText = longText == .mean ? .mean : .truncate
        let embedder = try TextEmbedder(
            model.configuration(),
            prompt: PromptChoice(
                name: promptName, text: prompt,
                inputType: inputType.flatMap { .init(rawValue: $0.rawValue) }),
            context: context)
        var writer = VectorWriter(
            format: output == .npy ? .npy : .jsonl, width: embedder.dimensions)
        let progress = Progress()
        while let lines = Self.nextLines(256) {
            let vectors = try embedder.embed(lines)
            try writer.write(vectors)
            progress.show(writer.count)
        }
        try writer.end()
        progress.end(writer.count)
    }

    /// Up to `count` lines of standard input without their ends; nil after the last.
    private static func nextLines(_ count: Int) -> [String]? {
        var lines: [String] = []
        while lines.count < count, let line = readLine(strippingNewline: true) {
            lines.append(line)
        }
        return lines.isEmpty ? nil : lines
    }

    /// A line on standard error that counts, when somebody watches.
    private struct Progress {
        private let isShown = isatty(STDERR_FILENO) == 1

        func show(_ count: Int) {
            if isShown { StandardStream.error("\r\(count) texts") }
        }

        func end(_ count: Int) {
            if isShown { StandardStream.error("\r\(count) texts, done\n") }
        }
    }
}

/// The options of every command that computes with a model.
struct ModelOptions: ParsableArguments {
    @Option(help: "Folder of a Sentence-Transformers or Hugging Face model.")
    var model: String

    @Option(help: "Arithmetic: auto, float32, bfloat16 or int8.")
    var dtype: String?

    @Option(help: "Set of kernels: auto takes the best that the processor has.")
    var kernels: String?

    @Option(help: "Compute threads: auto is the processors that the process may use.")
    var threads: String?

    /// The service's configuration with these options.
    func configuration() throws -> ServiceConfiguration {
        var flags = ["model": [model]]
        flags["dtype"] = dtype.map { [$0] }
        flags["kernels"] = kernels.map { [$0] }
        flags["threads"] = threads.map { [$0] }
        return try ServiceConfiguration.merging(flags: flags, environment: [:], file: nil)
    }
}
