import JSON

/// The `model` section of `tokenizer.json`.
struct ModelSection {
    /// Everything but the vocabulary.
    private var options: [String: JSONValue] = [:]
    private var vocabulary = Vocabulary(capacity: 32_768)

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "vocab": try readVocabulary(&reader)
            default: options[key] = try JSONValue(from: &reader)
            }
        }
    }

    /// Reads `{"token": id, …}`.
    private mutating func readVocabulary(_ reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let token = try reader.nextKey() {
            let number = try reader.readNumber()
            guard let id = number.int, (0..<TokenizerFile.idLimit).contains(id) else {
                throw JSONError(
                    "model.vocab: the id of '\(token)' must be a whole number below "
                        + "\(TokenizerFile.idLimit)", at: reader.offset)
            }
            vocabulary.insert(token.utf8, id: Int32(id))
        }
    }

    /// The model which the section describes.
    func make() throws(TokenizerFileError) -> TokenModel {
        let supported = ["WordPiece"]
        guard let type = options["type"]?.string ?? guessedType else {
            throw TokenizerFileError(
                field: "model.type",
                reason: "is missing; supported: \(supported.joined(separator: ", "))")
        }
        switch type {
        case "WordPiece": return .wordPiece(try makeWordPiece())
        default: throw field("").unsupported(type, supported: supported)
        }
    }

    /// Old files have no type; the options tell it.
    private var guessedType: String? {
        options["max_input_chars_per_word"] == nil ? nil : "WordPiece"
    }

    private func makeWordPiece() throws(TokenizerFileError) -> WordPiece {
        let unknown = try option("unk_token")?.string() ?? "[UNK]"
        guard let unknownID = vocabulary.id(of: unknown.utf8) else {
            throw field("unk_token").error("'\(unknown)' is not in model.vocab")
        }
        let limit = try option("max_input_chars_per_word")?.int() ?? 100
        let prefix = try option("continuing_subword_prefix")?.string() ?? "##"
        return WordPiece(
            vocabulary: vocabulary, unknownID: unknownID, continuationPrefix: Array(prefix.utf8),
            wordScalarsMaximum: max(0, min(limit, 1 << 20)))
    }

    private func option(_ name: String) -> Field? {
        guard let value = options[name], value != .null else { return nil }
        return field(name, value)
    }

    private func field(_ name: String, _ value: JSONValue = .null) -> Field {
        Field(name.isEmpty ? "model" : "model.\(name)", value)
    }
}
