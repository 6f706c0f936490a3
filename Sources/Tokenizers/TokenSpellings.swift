/// Tokens by id and ids by token, the model's and the added ones.
struct TokenSpellings: Sendable {
    private let vocabulary: Vocabulary
    private let added: [Int32: [UInt8]]
    private let addedIDs: [[UInt8]: Int32]
    /// For each id the model's entry plus one; 0 for none.
    private let entries: [UInt32]
    /// Highest id plus one.
    let vocabularySize: Int

    init(vocabulary: Vocabulary, added tokens: [AddedToken]) {
        self.vocabulary = vocabulary
        added = Dictionary(tokens.map { ($0.id, $0.content) }) { $1 }
        addedIDs = Dictionary(tokens.map { ($0.content, $0.id) }) { $1 }
        let highest = max(vocabulary.ids.max() ?? -1, tokens.map(\.id).max() ?? -1)
        vocabularySize = Int(highest) + 1
        var entries = [UInt32](repeating: 0, count: Int(vocabulary.ids.max() ?? -1) + 1)
        for (entry, id) in vocabulary.ids.enumerated() { entries[Int(id)] = UInt32(entry + 1) }
        self.entries = entries
    }

    func token(for id: Int32) -> String? {
        if let token = added[id] { return String(decoding: token, as: UTF8.self) }
        guard id >= 0, id < entries.count, entries[Int(id)] > 0 else { return nil }
        let bytes = vocabulary.bytes(ofEntry: Int(entries[Int(id)]) - 1)
        return String(decoding: bytes, as: UTF8.self)
    }

    func id(for token: String) -> Int32? {
        addedIDs[Array(token.utf8)] ?? vocabulary.id(of: token.utf8)
    }
}
