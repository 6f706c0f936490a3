/// Text on its way through the normalizers, which knows for each byte where it came from.
///
/// The rules by which a changed byte inherits its origin are the reference's: a scalar that replaces
/// another has its origin, an inserted one the origin of the byte before, a removed one leaves none.
struct AlignedText: Sendable, Equatable {
    /// UTF-8.
    private(set) var bytes: [UInt8]
    /// First byte in the original text of what each byte came from.
    private(set) var starts: [Int32]
    /// Byte behind the last in the original text of what each byte came from.
    private(set) var ends: [Int32]
    /// Where in the original text this piece of it begins.
    private(set) var origin: Int32

    /// A scalar of the new text, and what it does to the old.
    struct Edit {
        /// The scalar of the new text.
        var scalar: UInt32
        /// 0: takes the place of the next old scalar; -n: so, and n more old scalars go;
        /// 1: is inserted.
        var change: Int32

        init(_ scalar: UInt32, _ change: Int32) {
            self.scalar = scalar
            self.change = change
        }
    }

    /// Nothing yet.
    init() {
        bytes = []
        starts = []
        ends = []
        origin = 0
    }

    /// A piece of the original text, unchanged.
    init(original: borrowing Span<UInt8>, _ range: Range<Int>) {
        self.init()
        origin = Int32(truncatingIfNeeded: range.lowerBound)
        reserve(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let length = UTF8Scalars.length(startingWith: original[position])
            let end = min(position + length, range.upperBound)
            for byte in position..<end {
                append(
                    original[byte], from: Int32(truncatingIfNeeded: position),
                    to: Int32(truncatingIfNeeded: end))
            }
            position = end
        }
    }

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }

    /// The range of the original text which the bytes of a range came from.
    func originalRange(of range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty else {
            let place = range.lowerBound < count ? Int(starts[range.lowerBound]) : Int(origin)
            return place..<place
        }
        let lower = Int(starts[range.lowerBound])
        return lower..<max(lower, Int(ends[range.upperBound - 1]))
    }

    /// A part as a text of its own.
    func slice(_ range: Range<Int>) -> AlignedText {
        var part = AlignedText()
        part.origin = range.isEmpty ? origin : starts[range.lowerBound]
        part.bytes = Array(bytes[range])
        part.starts = Array(starts[range])
        part.ends = Array(ends[range])
        return part
    }

    mutating func reserve(_ capacity: Int) {
        bytes.reserveCapacity(capacity)
        starts.reserveCapacity(capacity)
        ends.reserveCapacity(capacity)
    }

    /// Appends a byte with its origin.
    @inline(__always)
    mutating func append(_ byte: UInt8, from start: Int32, to end: Int32) {
        bytes.append(byte)
        starts.append(start)
        ends.append(end)
    }

    /// Appends a range of another text with its origins.
    mutating func append(_ other: borrowing AlignedText, _ range: Range<Int>) {
        bytes.append(contentsOf: other.bytes[range])
        starts.append(contentsOf: other.starts[range])
        ends.append(contentsOf: other.ends[range])
    }

    /// Takes over bytes and origins of another text, but not where it begins.
    mutating func replaceContents(_ other: consuming AlignedText) {
        other.origin = origin
        self = other
    }

    /// The edits which make the text from itself with each scalar replaced by `image`'s scalars.
    func edits(_ image: (_ scalar: UInt32, _ emit: (UInt32) -> Void) -> Void) -> [Edit] {
        var edits: [Edit] = []
        edits.reserveCapacity(count)
        forEachScalar { scalar, _ in
            var change: Int32 = 0
            image(scalar) {
                edits.append(Edit($0, change))
                change = 1
            }
        }
        return edits
    }

    /// Calls `body` with each scalar and its position.
    @inline(__always)
    func forEachScalar(in range: Range<Int>? = nil, _ body: (UInt32, Int) -> Void) {
        let span = bytes.span
        var position = range?.lowerBound ?? 0
        let end = range?.upperBound ?? count
        while position < end {
            let (scalar, length) = UTF8Scalars.decode(span, at: position)
            body(scalar, position)
            position += length
        }
    }

    /// Becomes the text of `edits`, the first `removed` old scalars gone.
    mutating func transform(_ edits: [Edit], removedAtStart removed: Int = 0) {
        var new = AlignedText()
        new.origin = origin
        new.reserve(count)
        var old = 0
        for _ in 0..<removed { skipScalar(&old) }
        for edit in edits {
            var start = origin
            var end = origin
            if edit.change > 0 {
                if old > 0 { (start, end) = (starts[old - 1], ends[old - 1]) }
            } else if old < count {
                (start, end) = (starts[old], ends[old])
                for _ in edit.change...0 { skipScalar(&old) }
            }
            UTF8Scalars.encode(edit.scalar) { new.append($0, from: start, to: end) }
        }
        self = new
    }

    private func skipScalar(_ position: inout Int) {
        guard position < count else { return }
        position = min(position + UTF8Scalars.length(startingWith: bytes[position]), count)
    }

    /// Keeps the scalars for which `isKept` holds.
    mutating func filter(_ isKept: (UInt32) -> Bool) {
        var edits: [Edit] = []
        edits.reserveCapacity(count)
        var removedAtStart = 0
        forEachScalar { scalar, _ in
            if isKept(scalar) {
                edits.append(Edit(scalar, 0))
            } else if edits.isEmpty {
                removedAtStart += 1
            } else {
                edits[edits.count - 1].change -= 1
            }
        }
        transform(edits, removedAtStart: removedAtStart)
    }

    /// Replaces each scalar by one other.
    mutating func map(_ image: (UInt32) -> UInt32) {
        transform(edits { scalar, emit in emit(image(scalar)) })
    }
}
