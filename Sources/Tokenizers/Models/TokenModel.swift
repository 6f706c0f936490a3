/// A token which a model made of a piece of text.
struct Token: Sendable, Equatable {
    var id: Int32
    /// Bytes in the normalized text.
    var range: Range<Int>
}

/// How words become tokens: the `model` of `tokenizer.json`.
enum TokenModel: Sendable {
    case wordPiece(WordPiece)
    case bytePairEncoding(BytePairEncoding)
    case unigram(Unigram)
    /// Whole words only, and the id for all others; nil drops them.
    case wordLevel(Vocabulary, unknownID: Int32?)

    /// Appends the tokens of the piece of `text` in `range`.
    func tokenize(_ text: borrowing AlignedText, _ range: Range<Int>, into tokens: inout [Token]) {
        switch self {
        case .wordPiece(let model): model.tokenize(text.bytes.span, range, into: &tokens)
        case .bytePairEncoding(let model): model.tokenize(text.bytes.span, range, into: &tokens)
        case .unigram(let model): model.tokenize(text.bytes.span, range, into: &tokens)
        case .wordLevel(let vocabulary, let unknownID):
            if let id = vocabulary.id(of: text.bytes[range]) ?? unknownID {
                tokens.append(Token(id: id, range: range))
            }
        }
    }

    /// The vocabulary as the file states it.
    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        case .bytePairEncoding(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        case .wordLevel(let vocabulary, _): vocabulary
        }
    }

    /// The name of the algorithm.
    var name: String {
        switch self {
        case .wordPiece: "WordPiece"
        case .bytePairEncoding: "BPE"
        case .unigram: "Unigram"
        case .wordLevel: "WordLevel"
        }
    }
}
