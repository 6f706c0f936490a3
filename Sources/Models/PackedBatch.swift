/// The token ids of several texts, one after the other without padding.
package struct PackedBatch: Equatable, Sendable {
    package private(set) var tokenIDs: [Int32]
    /// Where each text begins in `tokenIDs`, then the end; `[0]` for no texts.
    package private(set) var offsets: [Int]
    /// One number a token, or empty when every token is of type 0.
    package private(set) var typeIDs: [Int32]
    /// How many tokens at the start of each text are prompt, which pooling may leave out; empty when
    /// none has one.
    package private(set) var promptTokenCounts: [Int]
    /// The route of each text through a model with a Router; empty when all take the first.
    package private(set) var routes: [Int] = []

    /// A batch of no texts.
    package init() {
        tokenIDs = []
        offsets = [0]
        typeIDs = []
        promptTokenCounts = []
    }

    /// A batch of these texts, in order.
    package init(_ texts: some Sequence<[Int32]>) {
        self.init()
        for text in texts { append(text) }
    }

    /// Adds a text at the end; `typeIDs` is empty or has one number for each token.
    package mutating func append(
        _ text: [Int32], typeIDs types: [Int32] = [], promptTokenCount: Int = 0, route: Int = 0
    ) {
        if route != 0 && routes.isEmpty { routes = Array(repeating: 0, count: count) }
        if !routes.isEmpty || route != 0 { routes.append(route) }
        precondition(types.isEmpty || types.count == text.count)
        precondition(promptTokenCount >= 0 && promptTokenCount <= text.count)
        if !types.isEmpty && typeIDs.isEmpty {
            typeIDs = Array(repeating: 0, count: tokenIDs.count)
        }
        if promptTokenCount > 0 && promptTokenCounts.isEmpty {
            promptTokenCounts = Array(repeating: 0, count: count)
        }
        if !typeIDs.isEmpty {
            typeIDs += types.isEmpty ? Array(repeating: 0, count: text.count) : types
        }
        if promptTokenCount > 0 || !promptTokenCounts.isEmpty {
            promptTokenCounts.append(promptTokenCount)
        }
        tokenIDs += text
        offsets.append(tokenIDs.count)
    }

    /// Forgets all texts and keeps the memory.
    package mutating func removeAll() {
        tokenIDs.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        offsets.append(0)
        typeIDs.removeAll(keepingCapacity: true)
        promptTokenCounts.removeAll(keepingCapacity: true)
        routes.removeAll(keepingCapacity: true)
    }

    /// The number of texts.
    package var count: Int { offsets.count - 1 }

    /// The number of tokens of all texts.
    package var tokenCount: Int { tokenIDs.count }

    /// Where text `index` lies in `tokenIDs`.
    package func tokens(of index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

    /// The text that the token at `token` is of.
    package func text(of token: Int) -> Int {
        precondition(token >= 0 && token < tokenCount)
        var low = 0
        var high = count
        while high - low > 1 {
            let middle = (low + high) / 2
            if offsets[middle] <= token { low = middle } else { high = middle }
        }
        return low
    }

    /// The route of text `index`.
    package func route(of index: Int) -> Int { routes.isEmpty ? 0 : routes[index] }

    /// The number of prompt tokens of text `index`.
    package func promptTokenCount(of index: Int) -> Int {
        promptTokenCounts.isEmpty ? 0 : promptTokenCounts[index]
    }
}
