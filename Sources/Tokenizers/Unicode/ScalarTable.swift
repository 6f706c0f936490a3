/// A number for every Unicode scalar, in two stages: a page per 256 scalars, equal pages shared.
struct ScalarTable: Sendable {
    private static let pageCount = 0x110000 >> 8

    /// For each page of scalars, its block in `values`.
    private var blocks: [UInt16]
    private var values: [UInt32]
    /// Blocks which several pages may point to, and which therefore must not be written.
    private var isShared: [Bool]

    init(default value: UInt32) {
        blocks = Array(repeating: 0, count: Self.pageCount)
        values = Array(repeating: value, count: 256)
        isShared = [true]
    }

    /// The value of a scalar; of an out-of-range number, the value of U+0000.
    @inline(__always)
    subscript(scalar: UInt32) -> UInt32 {
        let page = Int(scalar >> 8)
        guard page < blocks.count else { return values[0] }
        return values[Int(blocks[page]) << 8 | Int(scalar & 0xFF)]
    }

    /// Replaces the values of a range of scalars.
    mutating func update(_ range: ClosedRange<UInt32>, _ transform: (UInt32) -> UInt32) {
        var images: [UInt16: UInt16] = [:]
        for page in Int(range.lowerBound >> 8)...Int(range.upperBound >> 8) {
            let first = max(range.lowerBound, UInt32(page) << 8)
            let last = min(range.upperBound, UInt32(page) << 8 | 0xFF)
            if last - first == 0xFF {
                replaceWholePage(page, images: &images, transform)
            } else {
                makeOwn(page)
                for scalar in first...last {
                    let index = Int(blocks[page]) << 8 | Int(scalar & 0xFF)
                    values[index] = transform(values[index])
                }
            }
        }
    }

    /// Sets the value of one scalar.
    mutating func set(_ scalar: UInt32, to value: UInt32) {
        update(scalar...scalar) { _ in value }
    }

    private mutating func replaceWholePage(
        _ page: Int, images: inout [UInt16: UInt16], _ transform: (UInt32) -> UInt32
    ) {
        let old = blocks[page]
        if let image = images[old] {
            blocks[page] = image
            return
        }
        let start = Int(old) << 8
        let block = append((0..<256).map { transform(values[start + $0]) }, isShared: true)
        images[old] = block
        blocks[page] = block
    }

    private mutating func makeOwn(_ page: Int) {
        let start = Int(blocks[page]) << 8
        guard isShared[Int(blocks[page])] else { return }
        blocks[page] = append(Array(values[start..<start + 256]), isShared: false)
    }

    private mutating func append(_ block: [UInt32], isShared shared: Bool) -> UInt16 {
        values.append(contentsOf: block)
        isShared.append(shared)
        return UInt16(truncatingIfNeeded: isShared.count - 1)
    }
}

extension ScalarTable {
    /// Sets `bits` for every scalar of a list of hexadecimal ranges such as `AD 600-605`.
    mutating func insert(_ bits: UInt32, ranges: String) {
        for range in ScalarRanges(parsing: ranges) {
            update(range) { $0 | bits }
        }
    }
}

/// The ranges of a hexadecimal list such as `AD 600-605` or `AD,600-605`.
struct ScalarRanges: Sequence, IteratorProtocol {
    private var fields: HexadecimalFields

    init(parsing text: String) {
        fields = HexadecimalFields(text)
    }

    mutating func next() -> ClosedRange<UInt32>? {
        guard let (first, separator) = fields.next() else { return nil }
        guard separator == UInt8(ascii: "-"), let (last, _) = fields.next() else {
            return first...first
        }
        return first...Swift.max(first, last)
    }
}

/// The hexadecimal numbers of a text, each with the byte that follows it (0 at the end).
struct HexadecimalFields: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func next() -> (value: UInt32, separator: UInt8)? {
        while position < bytes.count, Self.digit(bytes[position]) == nil { position += 1 }
        guard position < bytes.count else { return nil }
        var value: UInt32 = 0
        while position < bytes.count, let digit = Self.digit(bytes[position]) {
            value = value << 4 | digit
            position += 1
        }
        return (value, position < bytes.count ? bytes[position] : 0)
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
