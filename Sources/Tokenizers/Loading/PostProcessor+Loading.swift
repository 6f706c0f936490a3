extension PostProcessor {
    private static let supported = [
        "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
    ]

    /// A `post_processor` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "TemplateProcessing":
            let tokens = try field.required("special_tokens")
            let template = try field.required("single")
            single = try Self.pieces(template, tokens)
            // The library takes others, and cuts them to more tokens than it was told.
            guard Self.texts(of: single) == [0] else {
                throw template.error("must name the text, A, once")
            }
            let second = try field.required("pair")
            pair = try Self.pieces(second, tokens)
            let texts = Self.texts(of: pair)
            guard Set(texts).count == texts.count else {
                throw second.error("must name neither A nor B twice")
            }
        case "BertProcessing":
            self = .bert(
                cls: try Self.tokenID(field, "cls"), sep: try Self.tokenID(field, "sep"))
        case "RobertaProcessing":
            self = .roberta(
                cls: try Self.tokenID(field, "cls"), sep: try Self.tokenID(field, "sep"),
                trimming: try Self.trimming(field))
        case "ByteLevel": trimming = try Self.trimming(field)
        case "Sequence":
            for step in try field.required("processors").elements() {
                try combine(with: PostProcessor(from: step), step)
            }
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }

    /// Takes over what another step does; two steps that both add tokens are not supported.
    private mutating func combine(
        with step: PostProcessor, _ field: Field
    ) throws(TokenizerFileError) {
        let plain = PostProcessor()
        if step.trimming != nil { trimming = step.trimming }
        guard step.single != plain.single || step.pair != plain.pair else { return }
        guard single == plain.single, pair == plain.pair else {
            throw field.error("only one step of a sequence may add tokens")
        }
        single = step.single
        pair = step.pair
    }

    private static func trimming(_ field: Field) throws(TokenizerFileError) -> Trimming? {
        guard try field.bool("trim_offsets", default: true) else { return nil }
        return Trimming(addsPrefixSpace: try field.bool("add_prefix_space", default: true))
    }

    private static func pieces(
        _ list: Field, _ tokens: Field
    ) throws(TokenizerFileError) -> [Piece] {
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

    /// The texts that a template names, in order.
    private static func texts(of pieces: [Piece]) -> [Int] {
        pieces.compactMap { if case .text(let index, _) = $0 { index } else { nil } }
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
