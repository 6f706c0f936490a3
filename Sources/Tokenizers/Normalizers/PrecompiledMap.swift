/// SentencePiece's character map: a double array (darts-clone) over UTF-8 and a pool of replacements.
///
/// Applied as the reference applies it, which is not as SentencePiece does: a grapheme cluster under
/// six bytes is replaced as a whole by what its shortest known prefix maps to, anything else scalar
/// by scalar.
struct PrecompiledMap: Sendable {
    private let units: [UInt32]
    /// Replacements, each ended by a zero byte.
    private let pool: [UInt8]

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
        var edits: [AlignedText.Edit] = []
        edits.reserveCapacity(text.count)
        var isChanged = false
        let bytes = text.bytes
        let span = bytes.span
        var position = 0
        for cluster in String(decoding: bytes, as: UTF8.self) {
            let end = position + cluster.utf8.count
            if end - position < 6, let new = replacement(span, position..<end) {
                isChanged = true
                Self.append(new, replacing: cluster.unicodeScalars.count, to: &edits)
                position = end
                continue
            }
            while position < end {
                let (scalar, length) = UTF8Scalars.decode(span, at: position)
                if let new = replacement(span, position..<position + length) {
                    isChanged = true
                    Self.append(new, replacing: 1, to: &edits)
                } else {
                    edits.append(AlignedText.Edit(scalar, 0))
                }
                position += length
            }
        }
        if isChanged { text.transform(edits) }
    }

    /// Appends the edits of a replacement, in the reference's accounting: surplus scalars count as
    /// inserted, missing ones as removed behind whatever edit is last.
    private static func append(
        _ new: Range<Int>, in pool: [UInt8], replacing count: Int,
        to edits: inout [AlignedText.Edit]
    ) {
        var added = 0
        var position = new.lowerBound
        let span = pool.span
        while position < new.upperBound {
            let (scalar, length) = UTF8Scalars.decode(span, at: position)
            edits.append(AlignedText.Edit(scalar, 0))
            added += 1
            position += length
        }
        let surplus = added - count
        if surplus > 0 {
            for index in edits.indices.suffix(surplus) { edits[index].change = 1 }
        } else if surplus < 0, !edits.isEmpty {
            edits[edits.count - 1].change += Int32(surplus)
        }
    }

    private static func append(
        _ new: Replacement, replacing count: Int, to edits: inout [AlignedText.Edit]
    ) {
        append(new.range, in: new.pool, replacing: count, to: &edits)
    }

    /// A stretch of the pool.
    private struct Replacement {
        var pool: [UInt8]
        var range: Range<Int>
    }

    /// What the shortest known prefix of a range maps to.
    private func replacement(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>
    ) -> Replacement? {
        guard let place = shortestMatch(text, range), place <= pool.count else { return nil }
        let end = pool[place...].firstIndex(of: 0) ?? pool.count
        return Replacement(pool: pool, range: place..<end)
    }

    private func shortestMatch(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var node = offset(of: units[0])
        for position in range {
            let byte = text[position]
            guard byte != 0 else { return nil }
            node ^= Int(byte)
            guard node < units.count else { return nil }
            let unit = units[node]
            // The label is the low byte; the sign bit marks a value, which no byte equals.
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            node ^= offset(of: unit)
            guard node < units.count else { return nil }
            if unit >> 8 & 1 == 1 { return Int(units[node] & 0x7FFF_FFFF) }
        }
        return nil
    }

    private func offset(of unit: UInt32) -> Int {
        Int((unit >> 10) << ((unit & 0x200) >> 6))
    }
}
