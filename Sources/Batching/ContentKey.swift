/// What an item is, for sharing: two items with equal keys have bit-identical results.
///
/// The namespace stands for everything but the tokens that the result depends on (model, dtype,
/// options). The hash is seeded, so that nobody outside can make keys collide on purpose.
package struct ContentKey: Hashable, Sendable {
    package let namespace: UInt64
    package let tokens: [Int32]
    package let digest: UInt64

    package init(namespace: UInt64, tokens: [Int32], seed: UInt64) {
        self.namespace = namespace
        self.tokens = tokens
        var state = ContentKey.mix(ContentKey.mix(seed) ^ namespace)
        for token in tokens {
            state = ContentKey.mix(state ^ UInt64(UInt32(bitPattern: token)))
        }
        digest = ContentKey.mix(state ^ UInt64(tokens.count))
    }

    package static func == (left: ContentKey, right: ContentKey) -> Bool {
        left.digest == right.digest && left.namespace == right.namespace
            && left.tokens == right.tokens
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }

    /// The folded 128-bit product of wyhash: full diffusion in one multiplication.
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
