import JSON

/// What `tokenizer_config.json` changes in `tokenizer.json`.
///
/// transformers rebuilds the tokenizers of the classes it knows: for BERT's the flags of this file
/// win, and Unigram's words are cut at white space; everything else is used as `tokenizer.json`
/// states it.
struct TokenizerConfiguration {
    /// The model's limit; nil when the file states none.
    private(set) var modelMaxLength: Int?
    /// Which end of a text that is too long goes.
    private(set) var truncationSide = TruncationSide.right
    private(set) var lowercases: Bool?
    /// Present in the file, be it null.
    private(set) var stripsAccents: Bool??
    private(set) var isolatesChinese: Bool?
    /// The class without `Fast`; nil when the file names none.
    private(set) var tokenizerClass: String?
    /// Whether byte-level words begin with a space that the text need not have.
    private(set) var addsPrefixSpace = false
    /// What counts where the class is one of Unigram models.
    private(set) var unigram = UnigramFlags()
    /// `model_type` of the `config.json` beside, if there is one.
    let modelType: String?
    /// The special tokens that are named by their use.
    private(set) var named = NamedTokens()
    private var addedTokens: [AddedToken] = []

    init(_ files: TokenizerFiles) throws(TokenizerFileError) {
        modelType = Self.modelType(in: files.model)
        if let bytes = files.configuration {
            let root = try Self.root(of: bytes, file: "tokenizer_config.json")
            try read(root)
            try named.read(root)
        }
        if let bytes = files.specialTokens {
            try named.read(try Self.root(of: bytes, file: "special_tokens_map.json"))
        }
    }

    /// The object that a file holds.
    static func root(of bytes: [UInt8], file: String) throws(TokenizerFileError) -> Field {
        let root: Field
        do throws(JSONError) {
            root = Field("", try JSONValue(parsing: bytes), file: file)
        } catch {
            throw TokenizerFileError(file: file, field: "", reason: error.description)
        }
        guard root.value.object != nil else { throw root.error("must be an object") }
        return root
    }

    private mutating func read(_ root: Field) throws(TokenizerFileError) {
        if let limit = try root.member("model_max_length") {
            guard let tokens = limit.value.double, tokens >= 0 else {
                throw limit.error("must be a number of tokens")
            }
            // transformers writes 1e30 for "no limit"; whatever no Int can hold is none either.
            modelMaxLength = tokens > 1e18 ? nil : Int(exactly: tokens.rounded(.down))
        }
        if let side = try root.member("truncation_side") {
            guard let known = TruncationSide(rawValue: try side.string()) else {
                throw side.error("must be left or right")
            }
            truncationSide = known
        }
        tokenizerClass = try root.member("tokenizer_class")?.string()
        if tokenizerClass?.hasSuffix("Fast") ?? false { tokenizerClass?.removeLast(4) }
        addsPrefixSpace = try root.bool("add_prefix_space", default: false)
        unigram = try UnigramFlags(root)
        if tokenizerClass.map(Self.bertClasses.contains) ?? true {
            lowercases = try root.member("do_lower_case")?.bool()
            isolatesChinese = try root.member("tokenize_chinese_chars")?.bool()
            if root.value.object?["strip_accents"] != nil {
                stripsAccents = .some(try root.member("strip_accents")?.bool())
            }
        }
        for (key, field) in try root.member("added_tokens_decoder")?.members() ?? [] {
            guard let id = Int32(key), (0..<Int32(TokenizerFile.idLimit)).contains(id) else {
                throw field.error("the key must be a token id below \(TokenizerFile.idLimit)")
            }
            addedTokens.append(try AddedToken(from: field, id: id))
        }
    }

    /// The added tokens of `tokenizer.json`, those which only this file lists, and those of the
    /// vocabulary which this file or `special_tokens_map.json` names as special.
    ///
    /// A named token that has no id would get one behind the vocabulary, where the model has no
    /// vector for it: it is left out.
    func adding(to tokens: [AddedToken], vocabulary: Vocabulary) -> [AddedToken] {
        var known = Set(tokens.map(\.content))
        var added = tokens
        for token in addedTokens where known.insert(token.content).inserted {
            added.append(token)
        }
        for var token in named.all where !known.contains(token.content) {
            guard let id = vocabulary.id(of: token.content) else { continue }
            known.insert(token.content)
            token.id = id
            added.append(token)
        }
        return added
    }
}
