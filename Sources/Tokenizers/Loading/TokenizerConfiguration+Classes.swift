import JSON

/// What the classes of transformers make anew, whatever `tokenizer.json` has.
extension TokenizerConfiguration {
    /// Classes whose normalizer transformers makes anew.
    static let bertClasses: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "FunnelTokenizer",
        "LayoutLMTokenizer", "LxmertTokenizer", "MPNetTokenizer", "MobileBertTokenizer",
        "SqueezeBertTokenizer", "RetriBertTokenizer", "ConvBertTokenizer", "RealmTokenizer",
    ]

    /// Classes of Unigram models whose words transformers cuts at white space first.
    ///
    /// Files that were converted since 2021 leave that out, so that a text with white space at its
    /// end has one more token by the file than by the class. Prompts end so, and where they are not
    /// pooled their length counts (Instructor).
    private static let unigramClasses: Set<String> = [
        "AlbertTokenizer", "CamembertTokenizer", "T5Tokenizer", "XLMRobertaTokenizer",
    ]
    /// Model types for which transformers takes `tokenizer.json` as it is, whatever class is named.
    private static let plainModelTypes: Set<String> = ["modernbert", "umt5"]

    /// Puts this file's flags, and what its class makes anew, in the place of the steps of
    /// `tokenizer.json`.
    func override(_ parts: inout TokenizerParts) {
        parts.normalizer = overriding(parts.normalizer)
        guard case .unigram = parts.model, let tokenizerClass,
            Self.unigramClasses.contains(tokenizerClass),
            !Self.plainModelTypes.contains(modelType ?? "")
        else { return }
        let isPrepended = prependsSpace || tokenizerClass == "T5Tokenizer"
        let scheme = isPrepended ? Metaspace.Scheme.always : .never
        parts.preTokenizer = .sequence([
            .whitespaceSplit,
            .metaspace(Metaspace(replacement: Array("▁".utf8), scheme: scheme, splits: true)),
        ])
        // ALBERT's class makes the steps that its files have.
        guard tokenizerClass != "AlbertTokenizer" else { return }
        parts.normalizer = parts.normalizer?.precompiledMap
    }

    /// The normalizer with this file's flags in place of its own.
    func overriding(_ normalizer: Normalizer?) -> Normalizer? {
        guard case .bert(var bert) = normalizer else { return normalizer }
        if let lowercases { bert.lowercases = lowercases }
        if let stripsAccents { bert.stripsAccents = stripsAccents }
        if let isolatesChinese { bert.isolatesChinese = isolatesChinese }
        return .bert(bert)
    }

    /// `model_type` of a `config.json`, which is read and checked elsewhere; nil where there is none.
    static func modelType(in bytes: [UInt8]?) -> String? {
        guard let bytes, let root = try? JSONValue(parsing: bytes) else { return nil }
        return root.object?["model_type"]?.string
    }
}

extension Normalizer {
    /// The first compiled character map among the steps; nil when there is none.
    fileprivate var precompiledMap: Normalizer? {
        switch self {
        case .precompiled: return self
        case .sequence(let steps): return steps.lazy.compactMap(\.precompiledMap).first
        default: return nil
        }
    }
}
