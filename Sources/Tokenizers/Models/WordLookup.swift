/// Words between white space, looked up whole: sentence-transformers' `WhitespaceTokenizer`.
///
/// A word is looked up as it stands, then without ASCII punctuation at its ends, then in lower case; one
/// that is never found has no token, and neither has a stop word.
struct WordLookup: Sendable {
    let vocabulary: Vocabulary
    private let stopWords: Set<[UInt8]>
    /// Whether words are lowercased before all else.
    private let lowercases: Bool

    init(vocabulary: Vocabulary, stopWords: Set<[UInt8]>, lowercases: Bool) {
        self.vocabulary = vocabulary
        self.stopWords = stopWords
        self.lowercases = lowercases
    }

    /// What became of a spelling of a word.
    private enum Outcome {
        case token(Int32)
        case stop
        case unknown
    }

    /// Appends the tokens of the words of a text.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ piece: Range<Int>, into tokens: inout [Token]
    ) {
        var position = piece.lowerBound
        var start: Int?
        while position < piece.upperBound {
            let (scalar, length) = UTF8Scalars.decode(text, at: position)
            if Self.isSpace(scalar) {
                if let start { appendWord(text, start..<position, to: &tokens) }
                start = nil
            } else if start == nil {
                start = position
            }
            position += length
        }
        if let start { appendWord(text, start..<piece.upperBound, to: &tokens) }
    }

    private func appendWord(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, to tokens: inout [Token]
    ) {
        var word: [UInt8] = []
        word.reserveCapacity(range.count)
        for position in range { word.append(text[position]) }
        if lowercases { word = Self.lowercased(word) }
        if append(outcome(of: word), range, to: &tokens) { return }
        let first = word.firstIndex { !Self.isPunctuation($0) } ?? word.count
        let last = word.lastIndex { !Self.isPunctuation($0) } ?? -1
        let bare = first <= last ? Array(word[first...last]) : []
        // Punctuation is one byte in either case, so as much goes of the text as of the word.
        let inner =
            bare.isEmpty
            ? range
            : range.lowerBound + first..<range.upperBound - (word.count - 1 - last)
        if !bare.isEmpty || stopWords.contains(bare), append(outcome(of: bare), inner, to: &tokens)
        {
            return
        }
        _ = append(outcome(of: Self.lowercased(bare)), inner, to: &tokens)
    }

    /// Appends a token that was found; returns whether the word is settled.
    private func append(
        _ outcome: Outcome, _ range: Range<Int>, to tokens: inout [Token]
    ) -> Bool {
        switch outcome {
        case .unknown: return false
        case .stop: return true
        case .token(let id):
            tokens.append(Token(id: id, range: range))
            return true
        }
    }

    private func outcome(of word: [UInt8]) -> Outcome {
        if stopWords.contains(word) { return .stop }
        return vocabulary.id(of: word).map(Outcome.token) ?? .unknown
    }

    /// White space to Python's `str.split`: Unicode's, and four ASCII separators.
    private static func isSpace(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 {
            return scalar == 0x20 || (9...13).contains(scalar) || (0x1C...0x1F).contains(scalar)
        }
        return ScalarClasses.contains(scalar, .whiteSpace)
    }

    /// Python's `string.punctuation`.
    private static func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    /// Lower case as Python's `str.lower`: scalar by scalar, but a sigma at a word's end is a final one.
    static func lowercased(_ word: [UInt8]) -> [UInt8] {
        var lower: [UInt8] = []
        lower.reserveCapacity(word.count)
        let span = word.span
        var position = 0
        while position < word.count {
            let (scalar, length) = UTF8Scalars.decode(span, at: position)
            if scalar == 0x3A3 {
                let image: UInt32 = isFinal(word, position..<position + length) ? 0x3C2 : 0x3C3
                UTF8Scalars.encode(image) { lower.append($0) }
            } else {
                ScalarMappings.lower.forEach(of: scalar) { image in
                    UTF8Scalars.encode(image) { lower.append($0) }
                }
            }
            position += length
        }
        return lower
    }

    /// Whether a sigma ends a word: Unicode's Final_Sigma (section 3.13, table 3-17).
    private static func isFinal(_ word: [UInt8], _ range: Range<Int>) -> Bool {
        let before = String(decoding: word[..<range.lowerBound], as: UTF8.self).unicodeScalars
        let after = String(decoding: word[range.upperBound...], as: UTF8.self).unicodeScalars
        let previous = before.last { !$0.properties.isCaseIgnorable }
        let next = after.first { !$0.properties.isCaseIgnorable }
        return previous?.properties.isCased == true && next?.properties.isCased != true
    }
}
