/// SentencePiece's own normalization: its character map by longest matches, white space collapsed and
/// escaped, a space before the text.
///
/// ``PrecompiledMap`` is the same map as the tokenizers library applies it. Source: sentencepiece,
/// `normalizer.cc`, with `add_dummy_prefix`, `remove_extra_whitespaces` and `escape_whitespaces`.
struct SentencePieceMap: Sendable {
    /// The double array (darts-clone).
    private let units: [UInt32]
    /// Replacements, each ended by a zero byte.
    private let pool: [UInt8]

    /// What stands for a space in pieces.
    private static let escaped: UInt32 = 0x2581
    private static let space: UInt32 = 0x20

    /// Reads the map; nil when the bytes are not one.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return nil }
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        let size = Int(word(0))
        guard size % 4 == 0, size > 0, size <= bytes.count - 4 else { return nil }
        units = stride(from: 4, to: 4 + size, by: 4).map(word)
        pool = Array(bytes[(4 + size)...])
    }

    func normalize(_ text: inout AlignedText) {
        let bytes = text.bytes
        let span = bytes.span
        var scalars: [UInt32] = []
        var position = 0
        var removed = 0
        while position < bytes.count {
            let (length, count) = next(span, at: position, &scalars)
            guard scalars == [Self.space] else { break }
            position += length
            removed += count
        }
        var edits: [AlignedText.Edit] = []
        edits.reserveCapacity(bytes.count)
        // The space before the text comes from no byte of it.
        if position < bytes.count { edits.append(AlignedText.Edit(Self.escaped, 1)) }
        var isAfterSpace = true
        while position < bytes.count {
            let (length, count) = next(span, at: position, &scalars)
            position += length
            let kept = isAfterSpace ? scalars.drop { $0 == Self.space } : scalars[...]
            Self.append(kept, replacing: count, to: &edits)
            if let last = kept.last { isAfterSpace = last == Self.space }
        }
        // What edits do not mention at the end is gone.
        while edits.last?.scalar == Self.escaped { edits.removeLast() }
        text.transform(edits, removedAtStart: removed)
    }

    /// Appends scalars in the place of `count` old ones, spaces escaped.
    private static func append(
        _ scalars: ArraySlice<UInt32>, replacing count: Int, to edits: inout [AlignedText.Edit]
    ) {
        guard !scalars.isEmpty else {
            // Nothing takes the place of the old scalars: they go with what was before them. The space
            // before the text takes the place of none, so the first of them becomes its origin.
            if let last = edits.indices.last {
                edits[last].change =
                    edits[last].change > 0 ? Int32(1 - count) : edits[last].change - Int32(count)
            }
            return
        }
        for (index, scalar) in scalars.enumerated() {
            let new = scalar == space ? escaped : scalar
            edits.append(AlignedText.Edit(new, index < count ? 0 : 1))
        }
        if scalars.count < count, let last = edits.indices.last {
            edits[last].change -= Int32(count - scalars.count)
        }
    }

    /// What the longest known prefix of the rest of the text maps to, else its first scalar; returns the
    /// bytes and scalars that it takes the place of.
    private func next(
        _ text: borrowing Span<UInt8>, at start: Int, _ scalars: inout [UInt32]
    ) -> (length: Int, count: Int) {
        scalars.removeAll(keepingCapacity: true)
        guard let (length, place) = longestMatch(text, from: start), place < pool.count else {
            let (scalar, length) = UTF8Scalars.decode(text, at: start)
            scalars.append(scalar)
            return (length, 1)
        }
        var position = place
        let span = pool.span
        while position < pool.count, pool[position] != 0 {
            let (scalar, length) = UTF8Scalars.decode(span, at: position)
            scalars.append(scalar)
            position += length
        }
        var count = 0
        for at in start..<start + length where text[at] & 0xC0 != 0x80 { count += 1 }
        return (length, count)
    }

    private func longestMatch(
        _ text: borrowing Span<UInt8>, from start: Int
    ) -> (length: Int, place: Int)? {
        var found: (length: Int, place: Int)?
        var node = offset(of: units[0])
        for position in start..<text.count {
            let byte = text[position]
            guard byte != 0 else { break }
            node ^= Int(byte)
            // The label is the low byte; the sign bit marks a value, which no byte equals.
            guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { break }
            let unit = units[node]
            node ^= offset(of: unit)
            guard node < units.count else { break }
            if unit >> 8 & 1 == 1 {
                found = (position + 1 - start, Int(units[node] & 0x7FFF_FFFF))
            }
        }
        return found
    }

    private func offset(of unit: UInt32) -> Int {
        Int((unit >> 10) << ((unit & 0x200) >> 6))
    }
}
