/// Tokens and their ids, found by bytes.
///
/// Keys are UTF-8 bytes: Swift's `String` equality would merge a composed letter with its
/// decomposition. The hash of a text is that of its prefix continued byte by byte, so a scan can
/// carry it along.
struct Vocabulary: Sendable {
    /// A polynomial hash modulo 2^64 which can be continued, and taken of parts of a text.
    enum Hash {
        static let base: UInt64 = 0x9E37_79B9_7F4A_7C15

        @inline(__always)
        static func appending(_ byte: UInt8, to hash: UInt64) -> UInt64 {
            hash &* base &+ UInt64(byte) &+ 1
        }

        @inline(__always)
        static func of(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> UInt64 {
            var hash: UInt64 = 0
            for position in range { hash = appending(text[position], to: hash) }
            return hash
        }

        static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
            bytes.reduce(0) { appending($1, to: $0) }
        }
    }

    /// All tokens' bytes, one behind the other.
    private(set) var bytes: [UInt8] = []
    /// Where each entry starts in `bytes`, and the end of the last.
    private(set) var starts: [UInt32] = [0]
    /// The id of each entry.
    private(set) var ids: [Int32] = []
    /// Open-addressed table: upper half the hash's upper half, lower half the entry plus one.
    private var slots: [UInt64]
    private var shift: UInt64
    /// Length in bytes of the longest entry.
    private(set) var longest = 0

    /// An empty vocabulary with room for `capacity` tokens.
    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        slots = Array(repeating: 0, count: 1 << bits)
        shift = 64 - bits
        ids.reserveCapacity(capacity)
        starts.reserveCapacity(capacity + 1)
    }

    var count: Int { ids.count }

    /// Whether no two tokens have one id, which a file may say of them.
    var hasUniqueIDs: Bool {
        var isTaken = Array(repeating: false, count: Int(ids.max() ?? -1) + 1)
        for id in ids {
            guard !isTaken[Int(id)] else { return false }
            isTaken[Int(id)] = true
        }
        return true
    }

    /// The bytes of an entry.
    func bytes(ofEntry entry: Int) -> ArraySlice<UInt8> {
        bytes[Int(starts[entry])..<Int(starts[entry + 1])]
    }

    /// Adds a token, or gives a token that is there already another id.
    mutating func insert(_ token: some Collection<UInt8>, id: Int32) {
        let token = Array(token)
        let hash = Hash.of(token)
        if let entry = entry(hash: hash, count: token.count, { bytes[$0 + $1] == token[$1] }) {
            ids[entry] = id
            return
        }
        if ids.count * 2 >= slots.count { grow() }
        bytes.append(contentsOf: token)
        starts.append(UInt32(truncatingIfNeeded: bytes.count))
        ids.append(id)
        longest = max(longest, token.count)
        place(ids.count, hash)
    }

    private mutating func place(_ entryPlusOne: Int, _ hash: UInt64) {
        let mixed = Self.mix(hash)
        var slot = Int(truncatingIfNeeded: mixed >> shift)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = mixed << 32 | UInt64(truncatingIfNeeded: entryPlusOne)
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        shift -= 1
        for entry in 0..<count { place(entry + 1, Hash.of(bytes(ofEntry: entry))) }
    }

    @inline(__always)
    private static func mix(_ hash: UInt64) -> UInt64 {
        (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
    }

    /// The entry with this hash and length whose bytes are equal by `isEqual(start, offset)`.
    @inline(__always)
    private func entry(
        hash: UInt64, count: Int, _ isEqual: (_ start: Int, _ offset: Int) -> Bool
    ) -> Int? {
        let mixed = Self.mix(hash)
        var slot = Int(truncatingIfNeeded: mixed >> shift)
        let tag = UInt32(truncatingIfNeeded: mixed)
        while true {
            let value = slots[slot]
            if value == 0 { return nil }
            if UInt32(truncatingIfNeeded: value >> 32) == tag {
                let entry = Int(UInt32(truncatingIfNeeded: value)) - 1
                let start = Int(starts[entry])
                if Int(starts[entry + 1]) - start == count {
                    var offset = 0
                    while offset < count, isEqual(start, offset) { offset += 1 }
                    if offset == count { return entry }
                }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    /// The id of the token with the bytes of `range`, whose hash is `hash`.
    @inline(__always)
    func id(
        of text: borrowing Span<UInt8>, _ range: Range<Int>, hash: UInt64
    ) -> Int32? {
        let lower = range.lowerBound
        var found: Int?
        found = entry(hash: hash, count: range.count) { bytes[$0 + $1] == text[lower + $1] }
        return found.map { ids[$0] }
    }

    /// The id of the token with the bytes of `range`.
    @inline(__always)
    func id(of text: borrowing Span<UInt8>, _ range: Range<Int>) -> Int32? {
        guard range.count <= longest else { return nil }
        return id(of: text, range, hash: Hash.of(text, range))
    }

    /// As `id(of:_:hash:)` for the text's bytes mapped by `map`, a table of 256.
    @inline(__always)
    func id(
        of text: borrowing Span<UInt8>, _ range: Range<Int>, hash: UInt64, mapped map: [UInt8]
    ) -> Int32? {
        let lower = range.lowerBound
        let found = entry(hash: hash, count: range.count) {
            bytes[$0 + $1] == map[Int(text[lower + $1])]
        }
        return found.map { ids[$0] }
    }

    /// The id of a token.
    func id(of token: some Collection<UInt8>) -> Int32? {
        let token = Array(token)
        return id(of: token.span, 0..<token.count, hash: Hash.of(token))
    }
}
