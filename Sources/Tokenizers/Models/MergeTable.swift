/// The merges of byte-pair encoding by pair of ids, and their application to a word.
struct MergeTable: Sendable {
    /// A part of a word, linked to its neighbours by index.
    struct Symbol {
        var id: Int32
        /// Bytes; 0 once it is merged into the symbol before it.
        var length: Int
        fileprivate var previous: Int32 = -1
        fileprivate var next: Int32 = -1

        init(id: Int32, length: Int) {
            self.id = id
            self.length = length
        }
    }

    /// Pair, left id above right id, plus one; 0 for a free slot.
    private var keys: [UInt64]
    /// Rank above new id.
    private var values: [UInt64]
    private let shift: UInt64

    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        keys = Array(repeating: 0, count: 1 << bits)
        values = Array(repeating: 0, count: 1 << bits)
        shift = 64 - bits
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) &+ 1
    }

    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[slot] != 0, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
        return slot
    }

    /// Adds a merge, for which there must be room; of two for one pair the later counts.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, merged: Int32) {
        let key = Self.key(left, right)
        let slot = slot(of: key)
        keys[slot] = key
        values[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merged))
    }

    /// The rank and new id of a pair.
    @inline(__always)
    private func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
        let key = Self.key(left, right)
        let slot = slot(of: key)
        guard keys[slot] == key else { return nil }
        let value = values[slot]
        return (
            UInt32(truncatingIfNeeded: value >> 32),
            Int32(bitPattern: UInt32(truncatingIfNeeded: value))
        )
    }

    /// Merges until no pair has a rank; symbols of length 0 are gone then.
    func apply(to symbols: inout [Symbol]) {
        if symbols.count <= 24 {
            applyByScanning(&symbols)
        } else {
            applyByQueue(&symbols)
        }
    }

    /// For short words: look for the lowest rank each time.
    private func applyByScanning(_ symbols: inout [Symbol]) {
        while symbols.count > 1 {
            var best = UInt32.max
            var place = -1
            var merged: Int32 = 0
            for index in 0..<symbols.count - 1 {
                if let found = merge(symbols[index].id, symbols[index + 1].id), found.rank < best {
                    (best, merged) = found
                    place = index
                }
            }
            guard place >= 0 else { return }
            symbols[place].id = merged
            symbols[place].length += symbols[place + 1].length
            symbols.remove(at: place + 1)
        }
    }

    /// For long words: a queue of candidates, of which outdated ones are dropped when they come up.
    private func applyByQueue(_ symbols: inout [Symbol]) {
        for index in symbols.indices {
            symbols[index].previous = Int32(truncatingIfNeeded: index - 1)
            symbols[index].next =
                index + 1 < symbols.count ? Int32(truncatingIfNeeded: index + 1) : -1
        }
        var queue = MergeQueue(capacity: symbols.count)
        func push(_ left: Int, _ right: Int) {
            if let found = merge(symbols[left].id, symbols[right].id) {
                queue.push(rank: found.rank, place: left)
            }
        }
        for index in 0..<symbols.count - 1 { push(index, index + 1) }
        while let (rank, place) = queue.pop() {
            let next = Int(symbols[place].next)
            guard symbols[place].length > 0, next >= 0,
                let found = merge(symbols[place].id, symbols[next].id), found.rank == rank
            else { continue }
            symbols[place].id = found.merged
            symbols[place].length += symbols[next].length
            symbols[place].next = symbols[next].next
            symbols[next].length = 0
            let after = Int(symbols[place].next)
            if after >= 0 { symbols[after].previous = Int32(truncatingIfNeeded: place) }
            let before = Int(symbols[place].previous)
            if before >= 0 { push(before, place) }
            if after >= 0 { push(place, after) }
        }
    }
}

/// A binary heap of merge candidates: lowest rank first, then leftmost.
private struct MergeQueue {
    /// Rank above place.
    private var heap: [UInt64] = []

    init(capacity: Int) {
        heap.reserveCapacity(capacity)
    }

    mutating func push(rank: UInt32, place: Int) {
        let item = UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
        heap.append(item)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[parent] > item else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = item
    }

    mutating func pop() -> (rank: UInt32, place: Int)? {
        guard let top = heap.first, let item = heap.popLast() else { return nil }
        if !heap.isEmpty {
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < item else { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = item
        }
        return (UInt32(truncatingIfNeeded: top >> 32), Int(UInt32(truncatingIfNeeded: top)))
    }
}
