import JSON

/// `config_sentence_transformers.json`: what the folder says about the use of its vectors.
package struct PipelineSettings: Equatable, Sendable {
    /// A text that is put before the input, under the name by which a caller chooses it.
    package struct Prompt: Equatable, Sendable {
        package let name: String
        package let text: String
    }

    /// The prompts, in the file's order; `query` and `document` are always there, perhaps empty.
    package private(set) var prompts: [Prompt] = []
    /// The prompt of a call that names none.
    package private(set) var defaultPromptName: String?
    /// The width that vectors are cut to after the last module.
    package private(set) var truncatedWidth: Int?
    /// `cosine`, `dot`, `euclidean` or `manhattan`: which similarity the vectors were trained for.
    package private(set) var similarity = "cosine"

    /// The text of the prompt called `name`, or nil.
    package func prompt(named name: String) -> String? {
        prompts.first { $0.name.utf8.elementsEqual(name.utf8) }?.text
    }

    /// No prompts at all: those of a route are the whole folder's.
    init() {}

    /// Reads the file if the folder has one.
    ///
    /// - Parameter outputWidth: the width of the last module, which a cut may not exceed.
    /// - Throws: ``ModelError``.
    init(_ folder: ModelFolder, outputWidth: Int) throws(ModelError) {
        let path = folder.file("config_sentence_transformers.json")
        if let file = try ConfigurationFile.ifPresent(path: path) {
            try read(file, outputWidth: outputWidth)
        }
        for name in ["query", "document"] where prompt(named: name) == nil {
            prompts.append(Prompt(name: name, text: ""))
        }
        if let name = defaultPromptName, prompt(named: name) == nil {
            let names = prompts.map(\.name).joined(separator: ", ")
            throw .malformed(
                file: path, field: "default_prompt_name",
                reason: "there is no prompt \(name) (prompts: \(names))")
        }
    }

    private mutating func read(
        _ file: ConfigurationFile, outputWidth: Int
    ) throws(ModelError) {
        if let type = try file.text("model_type"), type != "SentenceTransformer" {
            throw file.unsupported("model_type", type, supported: ["SentenceTransformer"])
        }
        if let texts = try file.nested("prompts") {
            for name in texts.keys {
                prompts.append(Prompt(name: name, text: try texts.text(name) ?? ""))
            }
        }
        defaultPromptName = try file.text("default_prompt_name")
        truncatedWidth = try file.integer("truncate_dim", in: 1...ModelConfiguration.Limit.width)
        if let width = truncatedWidth, width > outputWidth {
            // As in the reference, where a slice beyond the end is the whole.
            truncatedWidth = nil
        }
        if let name = try file.text("similarity_fn_name") {
            let names = ["cosine", "dot", "euclidean", "manhattan"]
            guard names.contains(name) else {
                throw file.unsupported("similarity_fn_name", name, supported: names)
            }
            similarity = name
        }
    }
}
