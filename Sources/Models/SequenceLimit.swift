/// How many tokens of a text the model takes, by the reference's rule, and where that was found.
package struct SequenceLimit: Equatable, Sendable {
    /// The number of tokens, special ones included, that a text is cut to.
    package let tokens: Int
    /// What sets it: the file and field, for a person to read.
    package let origin: String

    /// Whether the text is lowercased before its normalizer, as `do_lower_case` asks.
    package let lowercases: Bool
    /// The name of the file with the Transformer module's settings, if there is one.
    package let settingsFile: String?

    /// The settings of a Transformer module, under the names that its classes once had.
    private static let fileNames =
        ["bert", "roberta", "distilbert", "camembert", "albert"]
        .map { "sentence_\($0)_config.json" } + ["sentence_xlm-roberta_config.json"]

    init(tokens: Int, origin: String, settingsFile: String? = nil) {
        self.tokens = tokens
        self.origin = origin
        self.settingsFile = settingsFile
        lowercases = false
    }

    /// Reads the Transformer module's settings and the tokenizer's.
    ///
    /// The rule is `max_seq_length` if it is given, else the smaller of the tokenizer's
    /// `model_max_length` and the configuration's `max_position_embeddings`. The reference fails in
    /// the middle of a long text when that exceeds the positions that the model has; here it is
    /// capped by them.
    ///
    /// - Parameters:
    ///   - module: the Transformer module's folder.
    ///   - stated: `max_position_embeddings`, nil when the configuration has none.
    ///   - usable: the positions that can be computed, nil when there is no bound.
    ///   - isListed: whether a `modules.json` names the module; the reference reads its settings only then.
    /// - Throws: ``ModelError``.
    init(
        _ folder: ModelFolder, module: String, stated: Int?, usable: Int?, isListed: Bool
    ) throws(ModelError) {
        var length: (tokens: Int, origin: String)?
        var lowercases = false
        var settingsFile: String?
        for name in isListed ? Self.fileNames : [] {
            let path = folder.file(name, in: module)
            guard let file = try ConfigurationFile.ifPresent(path: path) else { continue }
            try Self.requireTextFeatures(file)
            length = try Self.statedLength(file, name)
            settingsFile = name
            lowercases = try file.flag("do_lower_case") ?? false
            break
        }
        let tokenizer = try ConfigurationFile.ifPresent(
            path: folder.file("tokenizer_config.json", in: module))
        if length == nil, let tokenizer {
            length = try Self.tokenizerLength(tokenizer)
            if let stated, stated < length?.tokens ?? 0 { length = nil }
        }
        var limit =
            length ?? stated.map { ($0, "config.json: max_position_embeddings") }
            ?? (Self.unbounded, "no file states a length")
        if let usable, usable < limit.tokens {
            limit = (usable, "the model's \(usable) positions")
        }
        tokens = limit.tokens
        origin = limit.origin
        self.lowercases = lowercases
        self.settingsFile = settingsFile
    }

    /// The limit of a model that states none; long enough for any text that a request can hold.
    static let unbounded = 1 << 20

    private static func statedLength(
        _ file: ConfigurationFile, _ name: String
    ) throws(ModelError) -> (Int, String)? {
        // Settings of the tokenizer's constructor win over the field, under the new and old name.
        for key in ["processor_kwargs", "tokenizer_args"] {
            let settings = try file.nested(key)
            if let length = try settings?.integer("model_max_length", in: 1...unbounded) {
                return (length, "\(name): \(key).model_max_length")
            }
        }
        return try file.integer("max_seq_length", in: 1...unbounded)
            .map { ($0, "\(name): max_seq_length") }
    }

    /// `model_max_length`, which is 10³⁰ in files whose tokenizer has no limit.
    private static func tokenizerLength(
        _ file: ConfigurationFile
    ) throws(ModelError) -> (Int, String)? {
        for key in ["model_max_length", "max_len"] {
            guard let number = try file.number(key, in: 1...Double.infinity) else { continue }
            let length = number < Double(unbounded) ? Int(number) : unbounded
            return (length, "tokenizer_config.json: \(key)")
        }
        return nil
    }

    /// Refuses arguments of the reference's classes that change what they give.
    private static func requireNothing(
        of keys: [String], in file: ConfigurationFile, except known: Set<String>
    ) throws(ModelError) {
        let ofDownload: Set = ["trust_remote_code", "local_files_only", "revision", "cache_dir"]
        for key in keys {
            for name in try file.nested(key)?.keys ?? []
            where !known.union(ofDownload).contains(name) {
                throw file.unsupported("\(key).\(name)", "a value", supported: known.sorted())
            }
        }
    }

    /// Refuses settings under which the reference computes something other than token vectors.
    private static func requireTextFeatures(_ file: ConfigurationFile) throws(ModelError) {
        let expected = [
            ("transformer_task", "feature-extraction"), ("module_output_name", "token_embeddings"),
        ]
        for (key, value) in expected {
            if let text = try file.text(key), text != value {
                throw file.unsupported(key, text, supported: [value])
            }
        }
        for key in ["query_length", "document_length", "query_expansion"] where file[key] != nil {
            throw file.unsupported(key, "a value", supported: ["null"])
        }
        try requireNothing(of: ["processing_kwargs"], in: file, except: ["chat_template"])
        try requireNothing(of: ["config_kwargs", "config_args"], in: file, except: ["use_cache"])
        try requireNothing(
            of: ["processor_kwargs", "tokenizer_args"], in: file,
            except: ["model_max_length", "padding_side", "use_fast"])
        guard let modalities = try file.nested("modality_config") else { return }
        guard !modalities.keys.contains("message"), let text = try modalities.nested("text") else {
            throw file.unsupported(
                "modality_config", modalities.keys.joined(separator: ", "), supported: ["text"])
        }
        if let output = try text.text("method_output_name"), output != "last_hidden_state" {
            throw text.unsupported("method_output_name", output, supported: ["last_hidden_state"])
        }
    }
}
