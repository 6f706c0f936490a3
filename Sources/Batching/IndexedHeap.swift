/// A binary heap whose elements can be found by name, so that a rank can change in place.
///
/// `set` and `remove` cost O(log n), `first` O(1). (`HeapModule` has no way to move an element.)
struct IndexedHeap<ID: Hashable, Rank: Comparable> {
    struct Entry {
        var id: ID
        var rank: Rank
    }

    private var entries: [Entry] = []
    private var positions: [ID: Int] = [:]

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// The entry with the lowest rank.
    var first: Entry? { entries.first }

    /// All entries, in no order.
    var unordered: [Entry] { entries }

    subscript(id: ID) -> Rank? { positions[id].map { entries[$0].rank } }

    /// Inserts `id`, or moves it to its new rank.
    mutating func set(_ id: ID, _ rank: Rank) {
        if let position = positions[id] {
            let old = entries[position].rank
            entries[position].rank = rank
            if rank < old { siftUp(position) } else { siftDown(position) }
        } else {
            entries.append(Entry(id: id, rank: rank))
            positions[id] = entries.count - 1
            siftUp(entries.count - 1)
        }
    }

    mutating func remove(_ id: ID) {
        guard let position = positions.removeValue(forKey: id), let last = entries.popLast() else {
            return
        }
        guard position < entries.count else { return }
        entries[position] = last
        positions[last.id] = position
        siftUp(position)
        siftDown(position)
    }

    private mutating func siftUp(_ start: Int) {
        var position = start
        let entry = entries[start]
        while position > 0 {
            let parent = (position - 1) / 2
            guard entry.rank < entries[parent].rank else { break }
            entries[position] = entries[parent]
            positions[entries[position].id] = position
            position = parent
        }
        place(entry, at: position, from: start)
    }

    private mutating func siftDown(_ start: Int) {
        var position = start
        let entry = entries[start]
        while true {
            var child = 2 * position + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].rank < entries[child].rank {
                child += 1
            }
            guard entries[child].rank < entry.rank else { break }
            entries[position] = entries[child]
            positions[entries[position].id] = position
            position = child
        }
        place(entry, at: position, from: start)
    }

    private mutating func place(_ entry: Entry, at position: Int, from start: Int) {
        guard position != start else { return }
        entries[position] = entry
        positions[entry.id] = position
    }
}
