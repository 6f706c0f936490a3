/// Greedy longest-match-first word pieces, as BERT uses them.
struct WordPiece: Sendable {
    /// All tokens; the first piece of a word is looked up here.
    let vocabulary: Vocabulary
    /// The tokens that carry the continuation prefix, without it: the further pieces of a word.
    let continuations: Vocabulary
    /// The token of a word that has no segmentation.
    let unknownID: Int32
    /// Words with more scalars become one unknown token, which bounds the work per word.
    let wordScalarsMaximum: Int
    /// Powers of the hash base, for hashes of parts of a word.
    private let powers: [UInt64]

    init(
        vocabulary: Vocabulary, unknownID: Int32, continuationPrefix: [UInt8],
        wordScalarsMaximum: Int
    ) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.wordScalarsMaximum = wordScalarsMaximum
        var continuations = Vocabulary(capacity: vocabulary.count / 4)
        for entry in 0..<vocabulary.count {
            let token = vocabulary.bytes(ofEntry: entry)
            if token.starts(with: continuationPrefix), token.count > continuationPrefix.count {
                continuations.insert(
                    token.dropFirst(continuationPrefix.count), id: vocabulary.ids[entry])
            }
        }
        self.continuations = continuations
        var powers: [UInt64] = [1]
        for _ in 0..<max(vocabulary.longest, continuations.longest) {
            powers.append(powers[powers.count - 1] &* Vocabulary.Hash.base)
        }
        self.powers = powers
    }

    /// Appends the pieces of one word; the plain statement of the algorithm.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into sink: inout TokenSink
    ) {
        var scalars = 0
        for position in word where !Self.isInsideScalar(text[position]) { scalars += 1 }
        sink.steps += word.count
        let tokensBefore = sink.tokens.count
        var start = word.lowerBound
        while start < word.upperBound, scalars <= wordScalarsMaximum {
            let pieces = start == word.lowerBound ? vocabulary : continuations
            var end = min(word.upperBound, start + pieces.longest)
            var id: Int32?
            while end > start {
                if end == word.upperBound || !Self.isInsideScalar(text[end]) {
                    sink.steps += end - start
                    id = pieces.id(of: text, start..<end)
                    if id != nil { break }
                }
                end -= 1
            }
            guard let id else { break }
            sink.tokens.append(Token(id: id, range: start..<end))
            start = end
        }
        if start < word.upperBound {
            sink.tokens.removeSubrange(tokensBefore...)
            sink.tokens.append(Token(id: unknownID, range: word))
        }
    }

    /// Appends the ids of the pieces of a word: as `tokenize`, with every part's hash taken from
    /// the hashes of the word's prefixes.
    ///
    /// - Parameters:
    ///   - prefixHashes: at `i` the hash of the word's first `i` bytes.
    func appendIDs(
        _ word: borrowing Span<UInt8>, count: Int, prefixHashes: borrowing Span<UInt64>,
        into ids: inout [Int32]
    ) {
        let idsBefore = ids.count
        var start = 0
        while start < count {
            let pieces = start == 0 ? vocabulary : continuations
            var end = min(count, start + pieces.longest)
            var id: Int32?
            while end > start {
                if end == count || !Self.isInsideScalar(word[end]) {
                    let hash = prefixHashes[end] &- prefixHashes[start] &* powers[end - start]
                    id = pieces.id(of: word, start..<end, hash: hash)
                    if id != nil { break }
                }
                end -= 1
            }
            guard let id else { break }
            ids.append(id)
            start = end
        }
        if start < count {
            ids.removeSubrange(idsBefore...)
            ids.append(unknownID)
        }
    }

    @inline(__always)
    private static func isInsideScalar(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
