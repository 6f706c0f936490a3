/// Words as their UTF-8 bytes, each word ended by an id of its own: what ELMo's characters are.
///
/// The model reads words, not tokens: the end of one is where its vector is. There is no vocabulary.
struct WordBytes: Sendable {
    /// Behind the last byte of every word.
    let endID: Int32
    /// The bytes of a word that are read; the rest of it is not.
    let wordBytesMaximum: Int
    /// Empty: the ids mean bytes.
    let vocabulary = Vocabulary(capacity: 0)

    /// Appends the bytes of one word, and its end, which stands for its last character.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into tokens: inout [Token]
    ) {
        let end = min(word.upperBound, word.lowerBound + wordBytesMaximum)
        for position in word.lowerBound..<end {
            tokens.append(Token(id: Int32(text[position]), range: position..<position + 1))
        }
        tokens.append(Token(id: endID, range: word.upperBound - 1..<word.upperBound))
    }
}
