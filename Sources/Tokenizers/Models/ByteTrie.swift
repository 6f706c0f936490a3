/// A trie over the bytes of a vocabulary, for finding every token that starts at a place.
///
/// The children of a node are looked up in one hash table for all nodes, keyed by node and byte. A
/// node says of itself whether a token ends there, so a walk reads nothing but the hash table.
struct ByteTrie: Sendable {
    static let root: UInt32 = 0

    /// The bit of a node at which a token ends.
    private static let endBit: UInt32 = 1 << 31

    /// Node, byte and 1 above the child; 0 for a free slot.
    private var slots: [UInt64]
    private var shift: UInt64
    /// For each node the id of the token which ends there, or -1.
    private var ids: [Int32] = [-1]

    init(_ vocabulary: Vocabulary) {
        var bits: UInt64 = 10
        while 1 << bits < vocabulary.bytes.count { bits += 1 }
        slots = Array(repeating: 0, count: 1 << bits)
        shift = 64 - bits
        for entry in 0..<vocabulary.count {
            var node = Self.root
            let token = vocabulary.bytes(ofEntry: entry)
            for byte in token.dropLast() { node = makeChild(of: node, byte) }
            guard let last = token.last else { continue }
            let end = makeChild(of: node, last)
            ids[Int(end & ~Self.endBit)] = vocabulary.ids[entry]
            slots[slot(node, last)] |= UInt64(Self.endBit)
        }
    }

    /// Whether a token ends at a node.
    @inline(__always)
    static func isEnd(_ node: UInt32) -> Bool { node & endBit != 0 }

    /// The id of the token which ends at a node, or -1.
    @inline(__always)
    func id(at node: UInt32) -> Int32 { ids[Int(node & ~Self.endBit)] }

    /// The node which a byte leads to.
    @inline(__always)
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let value = slots[slot(node, byte)]
        return value == 0 ? nil : UInt32(truncatingIfNeeded: value)
    }

    @inline(__always)
    private static func key(_ node: UInt32, _ byte: UInt8) -> UInt64 {
        UInt64(node & ~endBit) << 9 | UInt64(byte) << 1 | 1
    }

    @inline(__always)
    private func slot(_ node: UInt32, _ byte: UInt8) -> Int {
        // 24 bits of node, 8 of byte and 1 leave room for a child below.
        let key = Self.key(node, byte) & 0xFFFF_FFFF
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while slots[slot] != 0, slots[slot] >> 32 != key { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func makeChild(of node: UInt32, _ byte: UInt8) -> UInt32 {
        if let child = child(of: node, byte) { return child }
        if ids.count * 2 >= slots.count { grow() }
        let child = UInt32(truncatingIfNeeded: ids.count)
        ids.append(-1)
        slots[slot(node, byte)] = Self.key(node, byte) << 32 | UInt64(child)
        return child
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: old.count * 2)
        shift -= 1
        for value in old where value != 0 {
            let key = value >> 32
            let node = UInt32(truncatingIfNeeded: key >> 9)
            slots[slot(node, UInt8(truncatingIfNeeded: key >> 1))] = value
        }
    }
}
