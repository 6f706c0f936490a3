import Batching

/// The vectors of one request's texts: those that were kept, and which ones must be computed.
package struct VectorRecall: Sendable {
    private let keys: [ContentKey]
    private let known: [[Float]?]
    /// The places of the texts that must be computed, in order.
    package let missing: [Int]

    package init(_ keys: [ContentKey], in cache: VectorCache) {
        self.keys = keys
        guard cache.isEnabled else {
            known = []
            missing = Array(keys.indices)
            return
        }
        let known = keys.map { cache.vector(for: $0) }
        self.known = known
        missing = known.indices.filter { known[$0] == nil }
    }

    /// What was kept, in order.
    package var vectors: [[Float]] { known.compactMap(\.self) }

    /// All vectors in order, from those that were missing; these are kept now.
    ///
    /// What is not finite is an error of the model, and not kept.
    package func completed(with computed: [[Float]], keepingIn cache: VectorCache) -> [[Float]] {
        guard cache.isEnabled else { return computed }
        var vectors = known
        for (place, vector) in zip(missing, computed) {
            vectors[place] = vector
            if vector.allSatisfy(\.isFinite) { cache.insert(vector, for: keys[place]) }
        }
        return vectors.compactMap(\.self)
    }
}
