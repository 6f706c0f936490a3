import Tokenizers

/// A text's tokens, to be cut into chunks of at most so many of them.
///
/// A chunk is as long as it may be and ends where a sentence does; a sentence that is too long by itself is
/// cut between two words, and a word that is too long between two tokens, never within a character.
package struct Chunking {
    /// A run of tokens, and the bytes of the text that they stand for, white space at the ends left out.
    package struct Chunk: Equatable {
        package var tokens: Range<Int>
        package var bytes: Range<Int>
    }

    /// How good a place is to cut before a token.
    private enum Place: UInt8, Comparable {
        case never, token, word, sentence

        static func < (first: Place, second: Place) -> Bool { first.rawValue < second.rawValue }
    }

    private let ranges: [Range<Int>]
    private let places: [Place]
    private let utf8: [UInt8]

    /// - Parameter ranges: the byte ranges of the text's own tokens, in the order of the text.
    package init(_ text: String, ranges: [Range<Int>]) {
        self.ranges = ranges
        utf8 = Array(text.utf8)
        let sentences = SentenceStarts(text).offsets
        var places: [Place] = []
        places.reserveCapacity(ranges.count)
        var end = 0
        var next = 0
        for range in ranges {
            // A token may bring the space before it along.
            let start = Self.trimmed(range, utf8).lowerBound
            while next < sentences.count, sentences[next] < end { next += 1 }
            if range.lowerBound < end || start < end || start >= utf8.count
                || Self.isContinuation(utf8[start])
            {
                places.append(.never)
            } else if next < sentences.count, sentences[next] <= start {
                places.append(.sentence)
            } else {
                let isWord = start > 0 && Self.isSpace(utf8[start - 1])
                places.append(isWord ? .word : .token)
            }
            end = max(end, range.upperBound)
        }
        self.places = places
    }

    /// The number of tokens.
    package var count: Int { ranges.count }

    /// The chunk that begins at token `start`, of at most `limit` tokens where the text allows it.
    package func chunk(from start: Int, limit: Int) -> Chunk {
        let last = start + max(1, limit)
        guard last < count else { return chunk(start..<count) }
        var best = last
        var bestPlace = Place.never
        for cut in stride(from: last, to: start, by: -1) where places[cut] > bestPlace {
            best = cut
            bestPlace = places[cut]
            if bestPlace == .sentence { break }
        }
        // Tokens of one character are not parted: rather one chunk too long.
        while bestPlace == .never, best < count, places[best] == .never { best += 1 }
        return chunk(start..<best)
    }

    private func chunk(_ tokens: Range<Int>) -> Chunk {
        let start = ranges[tokens.lowerBound].lowerBound
        let end = ranges[tokens].reduce(start) { max($0, $1.upperBound) }
        return Chunk(tokens: tokens, bytes: Self.trimmed(start..<end, utf8))
    }

    private static func trimmed(_ range: Range<Int>, _ utf8: [UInt8]) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isSpace(utf8[start]) { start += 1 }
        while end > start, isSpace(utf8[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
