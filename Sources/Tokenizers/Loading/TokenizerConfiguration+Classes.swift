import JSON

/// The flags of the classes of Unigram models.
struct UnigramFlags {
    /// Whether words begin with a space that the text need not have.
    var addsPrefixSpace = true
    /// Present in the file.
    var lowercases: Bool?
    var keepsAccents = false
    var splitsPunctuation = false

    init() {}

    init(_ root: Field) throws(TokenizerFileError) {
        addsPrefixSpace = try root.bool("add_prefix_space", default: true)
        lowercases = try root.member("do_lower_case")?.bool()
        keepsAccents = try root.bool("keep_accents", default: false)
        splitsPunctuation = try root.bool("split_by_punct", default: false)
    }
}

/// What the classes of transformers make anew, whatever `tokenizer.json` has.
extension TokenizerConfiguration {
    /// Classes whose normalizer transformers makes anew.
    static let bertClasses: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "FunnelTokenizer",
        "LayoutLMTokenizer", "LxmertTokenizer", "MPNetTokenizer", "MobileBertTokenizer",
        "SqueezeBertTokenizer", "RetriBertTokenizer", "ConvBertTokenizer", "RealmTokenizer",
    ]

    /// Model types for which transformers takes `tokenizer.json` as it is, whatever class is named.
    private static let plainModelTypes: Set<String> = ["modernbert", "umt5"]

    /// Puts this file's flags, and what its class makes anew, in the place of the steps of
    /// `tokenizer.json`.
    ///
    /// Of a Unigram file the classes keep the vocabulary and at most the compiled character map. Files
    /// that were converted since 2021 do not cut at white space where the classes do, so that a text with
    /// white space at its end has one more token by the file than by the class. Prompts end so, and where
    /// they are not pooled their length counts (Instructor).
    func override(_ parts: inout TokenizerParts) {
        parts.normalizer = overriding(parts.normalizer)
        guard case .unigram = parts.model, let tokenizerClass,
            !Self.plainModelTypes.contains(modelType ?? ""),
            let steps = unigramSteps(of: tokenizerClass, map: parts.normalizer?.precompiledMap)
        else { return }
        (parts.normalizer, parts.preTokenizer) = steps
    }

    /// What a class of Unigram models does before its model; nil for one that is not known.
    ///
    /// - Parameter map: the compiled character map of the file.
    private func unigramSteps(
        of tokenizerClass: String, map: Normalizer?
    ) -> (Normalizer?, PreTokenizer)? {
        let scheme = unigram.addsPrefixSpace ? Metaspace.Scheme.always : .never
        switch tokenizerClass {
        case "T5Tokenizer": return (map, Self.words(.always))
        case "CamembertTokenizer", "XLMRobertaTokenizer": return (map, Self.words(scheme))
        case "AlbertTokenizer":
            let quote = Array("\"".utf8)
            var steps: [Normalizer] = [
                .replace(.literal(Array("``".utf8)), quote),
                .replace(.literal(Array("''".utf8)), quote),
            ]
            if !unigram.keepsAccents {
                steps += [.decompose(isCompatible: true), .stripAccents]
            }
            if unigram.lowercases ?? true { steps.append(.lowercase) }
            if let map { steps.append(map) }
            return (.sequence(steps), Self.words(scheme))
        case "DebertaV2Tokenizer":
            let lowercase: [Normalizer] = unigram.lowercases ?? false ? [.lowercase] : []
            let steps: [Normalizer] = [
                .replace(.spacesAndBreaks, [0x20]), .compose(isCompatible: false),
                .strip(left: false, right: true),
            ]
            let cuts: [PreTokenizer] = unigram.splitsPunctuation ? [.punctuation(.isolated)] : []
            let space = Self.space(unigram.addsPrefixSpace ? .always : .first)
            return (.sequence(lowercase + steps), .sequence(cuts + [space]))
        case "BigBirdTokenizer":
            return (.replace(.spaces(atLeast: 2), Self.spaceMark), Self.space(scheme))
        default: return nil
        }
    }

    private static let spaceMark = Array("▁".utf8)

    private static func space(_ scheme: Metaspace.Scheme) -> PreTokenizer {
        .metaspace(Metaspace(replacement: spaceMark, scheme: scheme, splits: true))
    }

    /// Words between white space, each with its mark.
    private static func words(_ scheme: Metaspace.Scheme) -> PreTokenizer {
        .sequence([.whitespaceSplit, space(scheme)])
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
