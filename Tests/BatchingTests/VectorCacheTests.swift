import Batching
import Platform
import Testing

struct VectorCacheTests {
    private func key(_ number: Int, namespace: UInt64 = 0) -> ContentKey {
        ContentKey(namespace: namespace, tokens: [Int32(number), 7], seed: 3)
    }

    private func vector(_ number: Int) -> [Float] {
        [Float(number), -0.0, .leastNonzeroMagnitude, Float(bitPattern: 0x7FC0_1234)]
    }

    /// The bytes of one entry of these tests.
    private var entryBytes: Int { (4 + 2) * 4 + VectorCache.entryOverheadBytes }

    @Test func givesBackTheSameBits() {
        let cache = VectorCache(bytesMaximum: 1 << 20)
        cache.insert(vector(1), for: key(1))
        let found = cache.vector(for: key(1))
        #expect(found?.map(\.bitPattern) == vector(1).map(\.bitPattern))
        #expect(cache.vector(for: key(2)) == nil)
        #expect(cache.statistics.hits == 1 && cache.statistics.misses == 1)
    }

    @Test func neverCrossesNamespaces() {
        let cache = VectorCache(bytesMaximum: 1 << 20)
        cache.insert(vector(1), for: key(1, namespace: 1))
        cache.insert(vector(2), for: key(1, namespace: 2))
        #expect(cache.vector(for: key(1, namespace: 3)) == nil)
        #expect(cache.vector(for: key(1, namespace: 1))?.first == 1)
        #expect(cache.vector(for: key(1, namespace: 2))?.first == 2)
        cache.removeAll { $0 == 1 }
        #expect(cache.vector(for: key(1, namespace: 1)) == nil)
        #expect(cache.vector(for: key(1, namespace: 2))?.first == 2)
        #expect(cache.statistics.bytes == entryBytes && cache.statistics.entries == 1)
    }

    @Test func holdsNothingWhenItIsOff() {
        let cache = VectorCache(bytesMaximum: 0)
        cache.insert(vector(1), for: key(1))
        #expect(!cache.isEnabled && cache.vector(for: key(1)) == nil)
        #expect(cache.statistics == VectorCache.Statistics())
    }

    /// Against a plain dictionary of everything ever inserted, within bounds at every step.
    @Test(arguments: 0..<20)
    func staysWithinItsBytesAndTellsNoLies(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let entries = 10 + random.below(100)
        let cache = VectorCache(bytesMaximum: entries * entryBytes)
        var hits = 0
        var misses = 0
        for _ in 0..<2_000 {
            let number = random.below(3 * entries)
            if random.chance(50) {
                cache.insert(vector(number), for: key(number))
            } else if let found = cache.vector(for: key(number)) {
                hits += 1
                #expect(found.first == Float(number))
            } else {
                misses += 1
            }
            if random.chance(1) { cache.removeAll { $0 == 9 } }
            let statistics = cache.statistics
            #expect(statistics.bytes <= cache.bytesMaximum)
            #expect(statistics.bytes == statistics.entries * entryBytes)
            #expect(statistics.insertions - statistics.evictions == statistics.entries)
        }
        #expect(cache.statistics.hits == hits && cache.statistics.misses == misses && hits > 0)
    }

    /// A few texts come often, many come once: the many must not wash out the few.
    @Test func keepsWhatComesOftenThroughAFlood() {
        let cache = VectorCache(bytesMaximum: 100 * entryBytes)
        var plain = PlainFIFO(capacity: 100)
        var random = SplitMix64(seed: 1)
        var asked = 0
        var hits = 0
        var plainHits = 0
        for round in 0..<20_000 {
            let isPopular = random.chance(30)
            let number = isPopular ? random.below(50) : 1_000 + round
            let isHit = cache.vector(for: key(number)) != nil
            if !isHit { cache.insert(vector(number), for: key(number)) }
            let isPlainHit = plain.ask(number)
            guard isPopular else { continue }
            asked += 1
            hits += isHit ? 1 : 0
            plainHits += isPlainHit ? 1 : 0
        }
        #expect(hits * 100 > asked * 90, "\(hits) of \(asked)")
        #expect(hits > 2 * plainHits, "\(hits) hits, first in first out has \(plainHits)")
    }

    /// The simplest cache there is, to compare with.
    private struct PlainFIFO {
        let capacity: Int
        private var order: [Int] = []

        init(capacity: Int) {
            self.capacity = capacity
        }

        mutating func ask(_ number: Int) -> Bool {
            if order.contains(number) { return true }
            if order.count == capacity { order.removeFirst() }
            order.append(number)
            return false
        }
    }

    @Test func digestsDependOnEverySideOfTheKey() {
        let tokens: [[Int32]] = [[], [0], [0, 0], [1], [1, 2], [2, 1], [-1], [1, 2, 0]]
        var digests: Set<UInt64> = []
        for each in tokens {
            for (namespace, seed) in [(0, 0), (0, 1), (1, 0)] as [(UInt64, UInt64)] {
                digests.insert(
                    ContentKey(namespace: namespace, tokens: each, seed: seed).digest)
            }
        }
        #expect(digests.count == tokens.count * 3)
    }
}
