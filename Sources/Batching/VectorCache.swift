import DequeModule
import Platform

/// Vectors that have been computed, by what they are vectors of; bounded in bytes.
///
/// A hit is the very array that was inserted, so it has the same bits. The key's namespace must be
/// a number given out for one model, dtype and set of options, so that none ever sees another's.
/// Eviction is S3-FIFO (Yang et al., SOSP 2023): newcomers pass through a small queue and reach the
/// main one only when they are asked for again, so a flood of texts that come once does not wash
/// out those that come often; a hit moves nothing, it only counts.
package final class VectorCache: Sendable {
    package struct Statistics: Hashable, Sendable {
        package var hits = 0
        package var misses = 0
        package var insertions = 0
        package var evictions = 0
        package var entries = 0
        package var bytes = 0

        package init() {}
    }

    /// What an entry costs besides its tokens and its vector: table slots, array headers, ghost.
    package static let entryOverheadBytes = 256

    package let bytesMaximum: Int
    private let state: Locked<State>

    /// A cache of at most `bytesMaximum` bytes; 0 or less turns it off: it holds nothing and counts
    /// nothing.
    package init(bytesMaximum: Int) {
        self.bytesMaximum = max(bytesMaximum, 0)
        state = Locked(State(bytesMaximum: max(bytesMaximum, 0)))
    }

    package var isEnabled: Bool { bytesMaximum > 0 }

    package var statistics: Statistics { state.withLock { $0.statistics } }

    /// The vector of `key`, if it is here.
    package func vector(for key: ContentKey) -> [Float]? {
        guard isEnabled else { return nil }
        return state.withLock { $0.vector(for: key) }
    }

    /// Keeps the vector, unless there is one for the key or it is too large to be worth it.
    package func insert(_ vector: [Float], for key: ContentKey) {
        guard isEnabled else { return }
        state.withLock { $0.insert(vector, for: key) }
    }

    /// Forgets all vectors of some namespaces: their model was unloaded.
    package func removeAll(where isGone: (_ namespace: UInt64) -> Bool) {
        state.withLock { $0.removeAll(where: isGone) }
    }
}

extension VectorCache {
    private struct Entry {
        var vector: [Float]
        var bytes: Int
        /// Times asked for since it was queued, up to 3.
        var uses: UInt8 = 0
    }

    private struct State {
        let bytesMaximum: Int
        var statistics = Statistics()
        private var entries: [ContentKey: Entry] = [:]
        /// Oldest first; every entry is in exactly one of the two.
        private var small: Deque<ContentKey> = []
        private var main: Deque<ContentKey> = []
        private var smallBytes = 0
        /// Digests of those who left the small queue unasked, and might be asked for yet.
        private var ghosts = GhostList()

        init(bytesMaximum: Int) {
            self.bytesMaximum = bytesMaximum
        }

        mutating func vector(for key: ContentKey) -> [Float]? {
            guard let index = entries.index(forKey: key) else {
                statistics.misses += 1
                return nil
            }
            statistics.hits += 1
            if entries.values[index].uses < 3 { entries.values[index].uses += 1 }
            return entries.values[index].vector
        }

        mutating func insert(_ vector: [Float], for key: ContentKey) {
            let bytes = (vector.count + key.tokens.count) * 4 + VectorCache.entryOverheadBytes
            // A vector that would fill the small queue alone would push out everything there.
            guard bytes <= bytesMaximum / 10, entries[key] == nil else { return }
            while statistics.bytes + bytes > bytesMaximum { evict() }
            if ghosts.remove(key.digest) {
                main.append(key)
            } else {
                small.append(key)
                smallBytes += bytes
            }
            entries[key] = Entry(vector: vector, bytes: bytes)
            statistics.bytes += bytes
            statistics.entries += 1
            statistics.insertions += 1
        }

        mutating func removeAll(where isGone: (UInt64) -> Bool) {
            small.removeAll { isGone($0.namespace) }
            main.removeAll { isGone($0.namespace) }
            for (key, entry) in entries where isGone(key.namespace) {
                statistics.bytes -= entry.bytes
                statistics.entries -= 1
                entries[key] = nil
            }
            smallBytes = small.reduce(0) { $0 + (entries[$1]?.bytes ?? 0) }
        }

        /// Makes one step towards room: moves an entry to the main queue or around, or drops one.
        private mutating func evict() {
            if smallBytes > bytesMaximum / 10 || main.isEmpty {
                evictFromSmall()
            } else {
                evictFromMain()
            }
        }

        private mutating func evictFromSmall() {
            guard let key = small.popFirst(), let entry = entries[key] else { return }
            smallBytes -= entry.bytes
            if entry.uses > 0 {
                entries[key]?.uses = 0
                main.append(key)
            } else {
                ghosts.append(key.digest, maximum: max(entries.count, 64))
                drop(key, entry)
            }
        }

        private mutating func evictFromMain() {
            guard let key = main.popFirst(), let entry = entries[key] else { return }
            if entry.uses > 0 {
                entries[key]?.uses = entry.uses - 1
                main.append(key)
            } else {
                drop(key, entry)
            }
        }

        private mutating func drop(_ key: ContentKey, _ entry: Entry) {
            entries[key] = nil
            statistics.bytes -= entry.bytes
            statistics.entries -= 1
            statistics.evictions += 1
        }
    }
}

/// Digests in the order in which they came, the oldest forgotten first.
private struct GhostList {
    private var order: Deque<(digest: UInt64, number: UInt64)> = []
    private var numbers: [UInt64: UInt64] = [:]
    private var next: UInt64 = 0

    mutating func append(_ digest: UInt64, maximum: Int) {
        numbers[digest] = next
        order.append((digest, next))
        next += 1
        // What was removed or came again leaves its old place behind, until its turn comes.
        while order.count > maximum, let oldest = order.popFirst() {
            if numbers[oldest.digest] == oldest.number { numbers[oldest.digest] = nil }
        }
    }

    /// Whether the digest was there; it is not any more.
    mutating func remove(_ digest: UInt64) -> Bool { numbers.removeValue(forKey: digest) != nil }
}
