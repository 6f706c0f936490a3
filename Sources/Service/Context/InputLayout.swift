import Tokenizers

/// What became of one input: how many items of work it is, and what their rows stand for.
enum InputLayout: Equatable, Sendable {
    /// One item, one vector.
    case vector
    /// One item, a row for each of these tokens.
    case tokens([TokenPlace])
    /// One item for each weight, to be averaged with them.
    case mean(weights: [Int])
    /// One item for each chunk, which is at these bytes of the input.
    case chunks([Range<Int>])
    /// One item, a row for each chunk, which is at these bytes of the input.
    case spans([Range<Int>])

    /// Items of work.
    var workCount: Int {
        switch self {
        case .vector, .tokens, .spans: 1
        case .mean(let weights): weights.count
        case .chunks(let ranges): ranges.count
        }
    }
}

/// A token as the client sees it.
struct TokenPlace: Equatable, Sendable {
    var id: Int32
    var text: String
    /// Whether the tokenizer added it.
    var isSpecial: Bool
    /// UTF-8 bytes of the input; nil for a token that is not of the input.
    var bytes: Range<Int>?
}
