/// The merges of byte-pair encoding by pair of ids, and their application to a word.
struct MergeTable: Sendable {
    /// A part of a word, linked to its neighbours by index.
    struct Symbol {
        var id: Int32
        /// Bytes; 0 once it is merged into the symbol before it.
        var length: Int32
        fileprivate var previous: Int32 = -1
        fileprivate var next: Int32 = -1
        /// The merge with the symbol behind it, rank above new id; `noMerge` for none.
        fileprivate var merge = MergeTable.noMerge

        init(id: Int32, length: Int) {
            self.id = id
            self.length = Int32(truncatingIfNeeded: length)
        }
    }

    /// A pair and what becomes of it.
    private struct Slot {
        /// Left id above right id, plus one; 0 for a free slot.
        var key: UInt64 = 0
        /// Rank above new id.
        var merge: UInt64 = 0
    }

    /// Above every rank.
    private static let noMerge = UInt64.max

    private var slots: [Slot]
    private let shift: UInt64

    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        slots = Array(repeating: Slot(), count: 1 << bits)
        shift = 64 - bits
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) &+ 1
    }

    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while slots[slot].key != 0, slots[slot].key != key { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    /// Adds a merge, for which there must be room; of two for one pair the later counts.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, merged: Int32) {
        let key = Self.key(left, right)
        slots[slot(of: key)] = Slot(
            key: key, merge: UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merged)))
    }

    /// Calls `body` with every id which a merge makes.
    func forEachMerged(_ body: (Int32) -> Void) {
        for slot in slots where slot.key != 0 { body(Self.merged(slot.merge)) }
    }

    @inline(__always)
    private static func merged(_ merge: UInt64) -> Int32 {
        Int32(bitPattern: UInt32(truncatingIfNeeded: merge))
    }

    /// The rank and new id of a pair, or `noMerge`.
    @inline(__always)
    private func merge(_ left: Int32, _ right: Int32) -> UInt64 {
        let slot = slots[slot(of: Self.key(left, right))]
        return slot.key == 0 ? Self.noMerge : slot.merge
    }

    /// Merges until no pair has a rank; symbols of length 0 are gone then.
    ///
    /// - Parameter queue: memory for long words.
    /// - Returns: how many symbols were looked at, a measure of the work.
    @discardableResult
    func apply(to symbols: inout [Symbol], queue: inout MergeQueue) -> Int {
        guard symbols.count > 1 else { return symbols.count }
        for index in 0..<symbols.count - 1 {
            symbols[index].merge = merge(symbols[index].id, symbols[index + 1].id)
        }
        return symbols.count <= 24 ? applyByScanning(&symbols) : applyByQueue(&symbols, &queue)
    }

    /// For short words: look for the lowest rank each time.
    private func applyByScanning(_ symbols: inout [Symbol]) -> Int {
        var steps = 0
        while symbols.count > 1 {
            var best = Self.noMerge
            var place = 0
            for index in 0..<symbols.count - 1 where symbols[index].merge < best {
                best = symbols[index].merge
                place = index
            }
            steps += symbols.count
            guard best != Self.noMerge else { break }
            symbols[place].id = Self.merged(best)
            symbols[place].length += symbols[place + 1].length
            symbols.remove(at: place + 1)
            if place > 0 {
                symbols[place - 1].merge = merge(symbols[place - 1].id, symbols[place].id)
            }
            symbols[place].merge =
                place + 1 < symbols.count
                ? merge(symbols[place].id, symbols[place + 1].id) : Self.noMerge
        }
        return steps
    }

    /// For long words: a queue of candidates, of which outdated ones are dropped when they come up.
    private func applyByQueue(_ symbols: inout [Symbol], _ queue: inout MergeQueue) -> Int {
        var steps = symbols.count
        for index in symbols.indices {
            symbols[index].previous = Int32(truncatingIfNeeded: index - 1)
            symbols[index].next =
                index + 1 < symbols.count ? Int32(truncatingIfNeeded: index + 1) : -1
            queue.push(symbols[index].merge, at: index)
        }
        while let (rank, place) = queue.pop() {
            steps += 1
            let merge = symbols[place].merge
            guard symbols[place].length > 0, merge != Self.noMerge, merge >> 32 == rank else {
                continue
            }
            let next = Int(symbols[place].next)
            symbols[place].id = Self.merged(merge)
            symbols[place].length += symbols[next].length
            symbols[place].next = symbols[next].next
            symbols[next].length = 0
            let after = Int(symbols[place].next)
            if after >= 0 { symbols[after].previous = Int32(truncatingIfNeeded: place) }
            offer(place, after, &symbols, &queue)
            let before = Int(symbols[place].previous)
            if before >= 0 { offer(before, place, &symbols, &queue) }
        }
        return steps
    }

    /// Notes the merge of two neighbours, the second of which may be missing.
    @inline(__always)
    private func offer(
        _ left: Int, _ right: Int, _ symbols: inout [Symbol], _ queue: inout MergeQueue
    ) {
        symbols[left].merge =
            right < 0 ? Self.noMerge : merge(symbols[left].id, symbols[right].id)
        queue.push(symbols[left].merge, at: left)
    }
}

/// A heap of merge candidates: lowest rank first, then leftmost.
///
/// Each node has four children, which are beside each other in memory.
struct MergeQueue {
    /// Rank above place.
    private var heap: [UInt64] = []

    /// Adds a candidate unless its rank says that there is none.
    ///
    /// - Parameter merge: rank above new id.
    @inline(__always)
    mutating func push(_ merge: UInt64, at place: Int) {
        guard merge != UInt64.max else { return }
        let item =
            merge & 0xFFFF_FFFF_0000_0000 | UInt64(UInt32(truncatingIfNeeded: place))
        heap.append(item)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) >> 2
            guard heap[parent] > item else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = item
    }

    /// Takes the first candidate out.
    @inline(__always)
    mutating func pop() -> (rank: UInt64, place: Int)? {
        guard let top = heap.first, let item = heap.popLast() else { return nil }
        if !heap.isEmpty {
            var parent = 0
            while true {
                let first = parent << 2 + 1
                guard first < heap.count else { break }
                var least = first
                for child in first + 1..<max(first + 1, min(first + 4, heap.count))
                where heap[child] < heap[least] {
                    least = child
                }
                guard heap[least] < item else { break }
                heap[parent] = heap[least]
                parent = least
            }
            heap[parent] = item
        }
        return (top >> 32, Int(UInt32(truncatingIfNeeded: top)))
    }
}
