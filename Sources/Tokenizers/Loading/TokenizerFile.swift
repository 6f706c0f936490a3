import JSON

/// The contents of `tokenizer.json`, its small parts as a tree and its vocabulary as flat arrays.
struct TokenizerFile {
    /// Everything outside `model`.
    private var sections: [String: JSONValue] = [:]
    /// The `model` section.
    private var model: ModelSection?

    /// Highest id plus one that a file may use; a bound for the memory a wrong file can ask for.
    static let idLimit = 1 << 24

    init(parsing bytes: [UInt8]) throws(TokenizerFileError) {
        var reader = JSONReader(bytes)
        do throws(JSONError) {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                switch key {
                case "model":
                    model = try ModelSection(from: &reader)
                case "added_tokens", "normalizer", "pre_tokenizer", "post_processor":
                    sections[key] = try JSONValue(from: &reader)
                default:
                    try reader.skipValue()
                }
            }
            try reader.end()
        } catch {
            throw TokenizerFileError(field: "", reason: error.description)
        }
    }

    /// The model, its vocabulary ready for lookups.
    func makeModel() throws(TokenizerFileError) -> TokenModel {
        guard let model else {
            throw TokenizerFileError(field: "model", reason: "is missing")
        }
        return try model.make()
    }

    /// The added tokens in the file's order.
    func makeAddedTokens() throws(TokenizerFileError) -> [AddedToken] {
        guard let list = sections["added_tokens"], list != .null else { return [] }
        var tokens: [AddedToken] = []
        for field in try Field("added_tokens", list).elements() {
            tokens.append(try AddedToken(from: field))
        }
        return tokens
    }

    /// The normalizer, nil for none.
    func makeNormalizer() throws(TokenizerFileError) -> Normalizer? {
        guard let field = section("normalizer") else { return nil }
        return try Normalizer(from: field)
    }

    /// The pre-tokenizer, nil for none.
    func makePreTokenizer() throws(TokenizerFileError) -> PreTokenizer? {
        guard let field = section("pre_tokenizer") else { return nil }
        return try PreTokenizer(from: field)
    }

    /// The post-processor; without one the text stays alone.
    func makePostProcessor() throws(TokenizerFileError) -> PostProcessor {
        guard let field = section("post_processor") else { return PostProcessor() }
        return try PostProcessor(from: field)
    }

    /// All of it.
    func makeParts() throws(TokenizerFileError) -> TokenizerParts {
        TokenizerParts(
            model: try makeModel(), normalizer: try makeNormalizer(),
            preTokenizer: try makePreTokenizer(), postProcessor: try makePostProcessor(),
            added: try makeAddedTokens())
    }

    private func section(_ name: String) -> Field? {
        guard let value = sections[name], value != .null else { return nil }
        return Field(name, value)
    }
}

extension AddedToken {
    /// An element of `added_tokens`, or a value of `added_tokens_decoder` with its id beside it.
    init(from field: Field, id: Int32? = nil) throws(TokenizerFileError) {
        self.id = if let id { id } else { try field.id("id") }
        content = Array(try field.string("content").utf8)
        isSingleWord = try field.bool("single_word", default: false)
        stripsLeft = try field.bool("lstrip", default: false)
        stripsRight = try field.bool("rstrip", default: false)
        let isSpecial = try field.bool("special", default: false)
        isNormalized = try field.bool("normalized", default: !isSpecial)
    }
}
