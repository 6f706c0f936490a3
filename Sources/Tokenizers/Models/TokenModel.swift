/// A token which a model made of a piece of text.
struct Token: Sendable, Equatable {
    var id: Int32
    /// Bytes in the normalized text.
    var range: Range<Int>
}

/// How words become tokens: the `model` of `tokenizer.json`.
enum TokenModel: Sendable {
    case wordPiece(WordPiece)

    /// Appends the tokens of the piece of `text` in `range`.
    func tokenize(_ text: borrowing AlignedText, _ range: Range<Int>, into tokens: inout [Token]) {
        switch self {
        case .wordPiece(let model): model.tokenize(text.bytes.span, range, into: &tokens)
        }
    }

    /// The vocabulary as the file states it.
    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        }
    }

    /// The name of the algorithm.
    var name: String {
        switch self {
        case .wordPiece: "WordPiece"
        }
    }
}
