/// SentencePiece's character map: a double array (darts-clone) over UTF-8 and a pool of replacements.
///
/// Applied as the reference applies it, which is not as SentencePiece does: a grapheme cluster under
/// six bytes is replaced as a whole by what its shortest known prefix maps to, anything else scalar
/// by scalar.
struct PrecompiledMap: Sendable {
    private let units: [UInt32]
    /// Replacements, each ended by a zero byte.
    private let pool: [UInt8]
    /// For each byte whether it is ASCII that stays as it is, whatever ASCII is beside it.
    private var isFixed = Array(repeating: false, count: 256)

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
        // With a line feed a carriage return would be one cluster.
        for byte in UInt8(0)..<0x80 where byte != 0x0D {
            let text = [byte]
            isFixed[Int(byte)] = replacement(text.span, 0..<1) == nil
        }
    }

    func normalize(_ text: inout AlignedText) {
        guard !text.bytes.allSatisfy({ isFixed[Int($0)] }) else { return }
        var edits: [AlignedText.Edit] = []
        edits.reserveCapacity(text.count)
        var isChanged = false
        let bytes = text.bytes
        let span = bytes.span
        var position = 0
        while position < span.count {
            let end = Self.plainEnd(span, from: position)
            for place in position..<end where !Self.isInsideScalar(span[place]) {
                apply(span, toScalarAt: place, &edits, &isChanged)
            }
            position = end
            guard position < span.count else { break }
            // Up to where a plain scalar meets another, clusters have to be looked for.
            let clustersEnd = Self.clustersEnd(span, from: position)
            for cluster in String(decoding: bytes[position..<clustersEnd], as: UTF8.self) {
                let end = position + cluster.utf8.count
                if end - position < 6, let new = replacement(span, position..<end) {
                    isChanged = true
                    append(new, replacing: cluster.unicodeScalars.count, to: &edits)
                    position = end
                    continue
                }
                while position < end {
                    apply(span, toScalarAt: position, &edits, &isChanged)
                    position += UTF8Scalars.length(startingWith: span[position])
                }
            }
        }
        if isChanged { text.transform(edits) }
    }

    /// Appends the edits of one scalar.
    @inline(__always)
    private func apply(
        _ text: borrowing Span<UInt8>, toScalarAt position: Int,
        _ edits: inout [AlignedText.Edit], _ isChanged: inout Bool
    ) {
        let (scalar, length) = UTF8Scalars.decode(text, at: position)
        if !isFixed[Int(text[position])],
            let new = replacement(text, position..<position + length)
        {
            isChanged = true
            append(new, replacing: 1, to: &edits)
        } else {
            edits.append(AlignedText.Edit(scalar, 0))
        }
    }

    @inline(__always)
    private static func isInsideScalar(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// Whether a scalar is a cluster of its own between any two others of which this holds too.
    ///
    /// These have no property that joins scalars (UAX 29, section 3): ASCII but the carriage return,
    /// and letters and ideographs of scripts that are written without joining signs.
    @inline(__always)
    private static func isPlain(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x0D: false
        case 0...0x7E, 0xC0...0x2FF, 0x370...0x482, 0x48A...0x52F, 0x5D0...0x5EA, 0x620...0x64A,
            0x1E00...0x1EFF, 0x3041...0x3096, 0x30A1...0x30FA, 0x3400...0x4DBF, 0x4E00...0x9FFF:
            true
        default: false
        }
    }

    /// Where the run of plain scalars ends that have a plain scalar, or the end, behind them.
    private static func plainEnd(_ text: borrowing Span<UInt8>, from start: Int) -> Int {
        var position = start
        var last = start
        while position < text.count {
            let (scalar, length) = UTF8Scalars.decode(text, at: position)
            guard isPlain(scalar) else { return last }
            last = position
            position += length
        }
        return text.count
    }

    /// The first place behind `start` that is surely between two clusters.
    private static func clustersEnd(_ text: borrowing Span<UInt8>, from start: Int) -> Int {
        var position = start
        var wasPlain = false
        while position < text.count {
            let (scalar, length) = UTF8Scalars.decode(text, at: position)
            let isPlain = isPlain(scalar)
            if isPlain, wasPlain { return position }
            wasPlain = isPlain
            position += length
        }
        return text.count
    }

    /// Appends the edits of a replacement, in the reference's accounting: surplus scalars count as
    /// inserted, missing ones as removed behind whatever edit is last.
    private func append(
        _ new: Range<Int>, replacing count: Int, to edits: inout [AlignedText.Edit]
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

    /// Where in the pool stands what the shortest known prefix of a range maps to.
    private func replacement(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>
    ) -> Range<Int>? {
        guard let place = shortestMatch(text, range), place <= pool.count else { return nil }
        var end = place
        while end < pool.count, pool[end] != 0 { end += 1 }
        return place..<end
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
