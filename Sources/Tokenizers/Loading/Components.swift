extension Normalizer {
    private static let supported = ["BertNormalizer", "Lowercase", "NFD", "Sequence"]

    /// A `normalizer` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "BertNormalizer":
            self = .bert(
                BertNormalizer(
                    cleansText: try field.bool("clean_text", default: true),
                    isolatesChinese: try field.bool("handle_chinese_chars", default: true),
                    stripsAccents: try field.member("strip_accents")?.bool(),
                    lowercases: try field.bool("lowercase", default: true)))
        case "Lowercase": self = .lowercase
        case "NFD": self = .canonicalDecomposition
        case "Sequence":
            var steps: [Normalizer] = []
            for step in try field.required("normalizers").elements() {
                steps.append(try Normalizer(from: step))
            }
            self = .sequence(steps)
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }
}

extension PreTokenizer {
    private static let supported = ["BertPreTokenizer", "Sequence", "WhitespaceSplit"]

    /// A `pre_tokenizer` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "BertPreTokenizer": self = .bert
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Sequence":
            var steps: [PreTokenizer] = []
            for step in try field.required("pretokenizers").elements() {
                steps.append(try PreTokenizer(from: step))
            }
            self = .sequence(steps)
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }
}

extension PostProcessor {
    private static let supported = ["BertProcessing", "TemplateProcessing"]

    /// A `post_processor` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "TemplateProcessing":
            let tokens = try field.required("special_tokens")
            single = try Self.pieces(try field.required("single"), tokens)
            pair = try Self.pieces(try field.required("pair"), tokens)
        case "BertProcessing":
            let start = Piece.special([try Self.tokenID(field, "cls")], typeID: 0)
            let separator = try Self.tokenID(field, "sep")
            single = [start, .text(0, typeID: 0), .special([separator], typeID: 0)]
            pair = single + [.text(1, typeID: 1), .special([separator], typeID: 1)]
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }

    private static func pieces(_ list: Field, _ tokens: Field) throws(TokenizerFileError) -> [Piece]
    {
        var pieces: [Piece] = []
        for element in try list.elements() {
            if let text = try element.member("Sequence") {
                let name = try text.string("id")
                guard name == "A" || name == "B" else {
                    throw text.error("id must be A or B, not '\(name)'")
                }
                pieces.append(.text(name == "A" ? 0 : 1, typeID: try text.typeID("type_id")))
            } else {
                let token = try element.required("SpecialToken")
                var ids: [Int32] = []
                for id in try tokens.required(try token.string("id")).required("ids").elements() {
                    ids.append(try id.id())
                }
                pieces.append(.special(ids, typeID: try token.typeID("type_id")))
            }
        }
        return pieces
    }

    /// The id in a `["[CLS]", 101]`.
    private static func tokenID(
        _ field: Field, _ name: String
    ) throws(TokenizerFileError) -> Int32 {
        let pair = try field.required(name).elements()
        guard pair.count == 2 else {
            throw try field.required(name).error("must be a token and its id")
        }
        return try pair[1].id()
    }
}
