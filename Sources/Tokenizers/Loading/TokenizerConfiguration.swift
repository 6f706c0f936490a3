import JSON

/// What `tokenizer_config.json` changes in `tokenizer.json`.
///
/// transformers rebuilds the tokenizers of the classes it knows from this file's flags, so for
/// BERT's classes the flags win; everything else is used as `tokenizer.json` states it.
struct TokenizerConfiguration {
    /// The model's limit; nil when the file states none.
    private(set) var modelMaxLength: Int?
    /// Which end of a text that is too long goes.
    private(set) var truncationSide = TruncationSide.right
    private var lowercases: Bool?
    /// Present in the file, be it null.
    private var stripsAccents: Bool??
    private var isolatesChinese: Bool?
    private var addedTokens: [AddedToken] = []

    /// Classes whose normalizer transformers makes anew.
    private static let bertClasses: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "FunnelTokenizer",
        "LayoutLMTokenizer", "LxmertTokenizer", "MPNetTokenizer", "MobileBertTokenizer",
        "SqueezeBertTokenizer", "RetriBertTokenizer", "ConvBertTokenizer", "RealmTokenizer",
    ]

    init(parsing bytes: [UInt8]?) throws(TokenizerFileError) {
        guard let bytes else { return }
        let file = "tokenizer_config.json"
        let root: Field
        do throws(JSONError) {
            root = Field("", try JSONValue(parsing: bytes), file: file)
        } catch {
            throw TokenizerFileError(file: file, field: "", reason: error.description)
        }
        guard root.value.object != nil else { throw root.error("must be an object") }
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
        if try Self.isRebuilt(root) {
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

    private static func isRebuilt(_ root: Field) throws(TokenizerFileError) -> Bool {
        guard var name = try root.member("tokenizer_class")?.string() else { return true }
        if name.hasSuffix("Fast") { name.removeLast(4) }
        return bertClasses.contains(name)
    }

    /// The normalizer with this file's flags in place of its own.
    func overriding(_ normalizer: Normalizer?) -> Normalizer? {
        guard case .bert(var bert) = normalizer else { return normalizer }
        if let lowercases { bert.lowercases = lowercases }
        if let stripsAccents { bert.stripsAccents = stripsAccents }
        if let isolatesChinese { bert.isolatesChinese = isolatesChinese }
        return .bert(bert)
    }

    /// The added tokens of `tokenizer.json` and those which only this file has.
    func adding(to tokens: [AddedToken]) -> [AddedToken] {
        let known = Set(tokens.map(\.content))
        return tokens + addedTokens.filter { !known.contains($0.content) }
    }
}
