/// Puts special tokens around one or two texts: the `post_processor` of `tokenizer.json`.
struct PostProcessor: Sendable, Equatable {
    /// A part of the result.
    enum Piece: Sendable, Equatable {
        /// The tokens of the first (0) or second (1) text.
        case text(Int, typeID: Int32)
        /// Tokens of its own.
        case special([Int32], typeID: Int32)
    }

    /// The result for one text.
    var single: [Piece] = [.text(0, typeID: 0)]
    /// The result for two texts.
    var pair: [Piece] = [.text(0, typeID: 0), .text(1, typeID: 1)]

    /// Whether byte-level spaces at the ends of tokens are left out of their offsets; nil for no.
    var trimming: Trimming?

    /// How offsets are trimmed.
    struct Trimming: Sendable, Equatable {
        /// The first token's space is then not in the text and is left alone.
        var addsPrefixSpace: Bool
    }

    /// `[CLS] A [SEP] B [SEP]`, the second text of type 1.
    static func bert(cls: Int32, sep: Int32) -> PostProcessor {
        var processor = PostProcessor()
        let end = Piece.special([sep], typeID: 0)
        processor.single = [.special([cls], typeID: 0), .text(0, typeID: 0), end]
        processor.pair =
            processor.single + [.text(1, typeID: 1), .special([sep], typeID: 1)]
        return processor
    }

    /// `<s> A </s></s> B </s>`, all of type 0.
    static func roberta(cls: Int32, sep: Int32, trimming: Trimming?) -> PostProcessor {
        var processor = PostProcessor()
        let end = Piece.special([sep], typeID: 0)
        processor.single = [.special([cls], typeID: 0), .text(0, typeID: 0), end]
        processor.pair = processor.single + [end, .text(1, typeID: 0), end]
        processor.trimming = trimming
        return processor
    }

    /// The highest of the ids which are added; -1 when there are none.
    var highestID: Int {
        (single + pair).reduce(-1) { highest, piece in
            if case .special(let ids, _) = piece {
                max(highest, Int(ids.max() ?? -1))
            } else {
                highest
            }
        }
    }

    /// Number of tokens which are added to one text, or to two.
    func addedCount(isPair: Bool) -> Int {
        (isPair ? pair : single).reduce(0) { sum, piece in
            if case .special(let ids, _) = piece { sum + ids.count } else { sum }
        }
    }

    /// One encoding of the texts' encodings.
    func process(_ texts: [Encoding], addSpecialTokens: Bool) -> Encoding {
        var result = Encoding()
        result.isTruncated = texts.contains(where: \.isTruncated)
        for piece in texts.count == 2 ? pair : single {
            switch piece {
            case .text(let index, let typeID):
                guard index < texts.count else { continue }
                result.ids += texts[index].ids
                result.typeIDs += Array(repeating: typeID, count: texts[index].ids.count)
                result.offsets += texts[index].offsets
                result.isSpecial += texts[index].isSpecial
            case .special(let ids, let typeID):
                guard addSpecialTokens else { continue }
                result.ids += ids
                result.typeIDs += Array(repeating: typeID, count: ids.count)
                result.offsets += Array(repeating: nil, count: ids.count)
                result.isSpecial += Array(repeating: true, count: ids.count)
            }
        }
        return result
    }

    /// Appends what stands before the text to `ids`, calls `body`, appends what stands behind.
    func wrap(_ ids: inout [Int32], _ body: (inout [Int32]) -> Void) {
        for piece in single {
            switch piece {
            case .text(0, _): body(&ids)
            case .text: continue
            case .special(let special, _): ids += special
            }
        }
    }
}
