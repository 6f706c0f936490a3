/// A token which is recognised in the text itself, before any model: `added_tokens`.
struct AddedToken: Sendable, Equatable {
    var id: Int32
    /// UTF-8.
    var content: [UInt8]
    /// Only where no word character touches it.
    var isSingleWord = false
    /// Takes the white space before it.
    var stripsLeft = false
    /// Takes the white space behind it.
    var stripsRight = false
    /// Is looked for in the normalized text, after the same normalization.
    var isNormalized = true
}

/// Finds added tokens in a text: the leftmost, and of those the longest.
struct AddedVocabulary: Sendable {
    private let tokens: [AddedToken]
    /// The tokens' contents, with positions in `tokens` for ids.
    private let trie: ByteTrie
    let isEmpty: Bool
    /// For each byte whether some token starts with it.
    private let isTrigger: [Bool]

    /// Tokens with equal content: the last counts.
    init(_ added: [AddedToken]) {
        var contents = Vocabulary(capacity: added.count)
        var isTrigger = Array(repeating: false, count: 256)
        for (position, token) in added.enumerated() {
            guard let first = token.content.first else { continue }
            contents.insert(token.content, id: Int32(truncatingIfNeeded: position))
            isTrigger[Int(first)] = true
        }
        tokens = added
        trie = ByteTrie(contents)
        isEmpty = contents.count == 0
        self.isTrigger = isTrigger
    }

    /// Whether the text has any byte with which a token starts.
    func mayOccur(in text: borrowing Span<UInt8>) -> Bool {
        for position in text.indices where isTrigger[Int(text[position])] { return true }
        return false
    }

    /// Calls `emit` with each stretch of the range in order, and the token which it is, if any.
    func split(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>,
        _ emit: (_ stretch: Range<Int>, _ token: Int32?) -> Void
    ) {
        var done = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            guard let token = match(text, range, at: position) else {
                position += 1
                continue
            }
            let end = position + token.content.count
            if token.isSingleWord, touchesWord(text, range, position..<end) {
                position = end
                continue
            }
            var start = position
            var stop = end
            if token.stripsLeft { start = startOfSpaces(text, before: start, notBefore: done) }
            if token.stripsRight { stop = endOfSpaces(text, from: stop, to: range.upperBound) }
            // A match inside the white space which the token before it took begins behind that.
            if done < start { emit(done..<start, nil) }
            emit(min(start, stop)..<stop, token.id)
            done = stop
            position = end
        }
        if done < range.upperBound { emit(done..<range.upperBound, nil) }
    }

    private func match(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, at position: Int
    ) -> AddedToken? {
        guard isTrigger[Int(text[position])] else { return nil }
        var longest: Int32 = -1
        var node = ByteTrie.root
        var place = position
        while place < range.upperBound, let next = trie.child(of: node, text[place]) {
            node = next
            place += 1
            if ByteTrie.isEnd(node) { longest = trie.id(at: node) }
        }
        return longest < 0 ? nil : tokens[Int(longest)]
    }

    private func touchesWord(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, _ match: Range<Int>
    ) -> Bool {
        if match.lowerBound > range.lowerBound {
            var before = match.lowerBound - 1
            while before > range.lowerBound, text[before] & 0xC0 == 0x80 { before -= 1 }
            let scalar = UTF8Scalars.decode(text, at: before).scalar
            if ScalarClasses.contains(scalar, .word) { return true }
        }
        guard match.upperBound < range.upperBound else { return false }
        let scalar = UTF8Scalars.decode(text, at: match.upperBound).scalar
        return ScalarClasses.contains(scalar, .word)
    }

    private func startOfSpaces(
        _ text: borrowing Span<UInt8>, before position: Int, notBefore limit: Int
    ) -> Int {
        var start = position
        while start > limit {
            var before = start - 1
            while before > limit, text[before] & 0xC0 == 0x80 { before -= 1 }
            let scalar = UTF8Scalars.decode(text, at: before).scalar
            guard ScalarClasses.contains(scalar, .whiteSpace) else { break }
            start = before
        }
        return max(start, limit)
    }

    private func endOfSpaces(
        _ text: borrowing Span<UInt8>, from position: Int, to limit: Int
    ) -> Int {
        var end = position
        while end < limit {
            let (scalar, length) = UTF8Scalars.decode(text, at: end)
            guard ScalarClasses.contains(scalar, .whiteSpace) else { break }
            end += length
        }
        return end
    }
}
