/// A token which a model made of a piece of text.
struct Token: Sendable, Equatable {
    var id: Int32
    /// Bytes in the normalized text.
    var range: Range<Int>
}

/// Where models put the tokens of a text, with memory that its words share.
struct TokenSink {
    /// Tokens with ranges.
    var tokens: [Token] = []
    /// Ids alone, where only they are wanted.
    var ids: [Int32] = []
    /// How much the models had to do: symbols, edges and bytes that they looked at.
    var steps = 0
    /// A word's symbols while they are merged.
    var symbols: [MergeTable.Symbol] = []
    /// Candidates for merges.
    var queue = MergeQueue()
    /// Best segmentations of the beginnings of a piece.
    var nodes: [Unigram.Node] = []
}

/// How words become tokens: the `model` of `tokenizer.json`.
enum TokenModel: Sendable {
    case wordPiece(WordPiece)
    case bytePairEncoding(BytePairEncoding)
    case unigram(Unigram)
    /// Whole words only, and the id for all others; nil drops them.
    case wordLevel(Vocabulary, unknownID: Int32?)
    /// Words of a list, split and looked up by rules of their own.
    case words(WordLookup)
    /// Bytes, with an end to each word.
    case wordBytes(WordBytes)

    /// Appends the tokens of the piece of `text` in `range`.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, into sink: inout TokenSink
    ) {
        switch self {
        case .wordPiece(let model): model.tokenize(text, range, into: &sink)
        case .bytePairEncoding(let model): model.tokenize(text, range, into: &sink)
        case .unigram(let model): model.tokenize(text, range, into: &sink)
        case .words(let model): model.tokenize(text, range, into: &sink.tokens)
        case .wordBytes(let model): model.tokenize(text, range, into: &sink.tokens)
        case .wordLevel(let vocabulary, let unknownID):
            let hash = Vocabulary.Hash.of(text, range)
            if let id = vocabulary.id(of: text, range, hash: hash) ?? unknownID {
                sink.tokens.append(Token(id: id, range: range))
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
        case .words(let model): model.vocabulary
        case .wordBytes(let model): model.vocabulary
        }
    }

    /// The name of the algorithm.
    var name: String {
        switch self {
        case .wordPiece: "WordPiece"
        case .bytePairEncoding: "BPE"
        case .unigram: "Unigram"
        case .wordLevel: "WordLevel"
        case .words: "Whitespace"
        case .wordBytes: "WordBytes"
        }
    }
}
