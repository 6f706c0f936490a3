/// Text on its way through the normalizers, which knows for each byte where it came from.
///
/// The rules by which a changed byte inherits its origin are the reference's: a scalar that replaces
/// another has its origin, an inserted one the origin of the byte before, a removed one leaves none.
///
/// Where only ids are wanted the text is untracked: of its origins it knows just how many bytes came
/// from the very beginning, which Metaspace asks for.
struct AlignedText: Sendable, Equatable {
    /// UTF-8.
    private(set) var bytes: [UInt8] = []
    /// First byte in the original text of what each byte came from; empty when untracked.
    private var starts: [Int32] = []
    /// Byte behind the last in the original text of what each byte came from; empty when untracked.
    private var ends: [Int32] = []
    /// Where in the original text this piece of it begins.
    private(set) var origin: Int32 = 0
    /// Whether the origin of each byte is known.
    let isTracked: Bool
    /// When untracked, how many bytes at the front came from the original text's first scalar.
    private var leadingCount = 0

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
    init(isTracked: Bool) {
        self.isTracked = isTracked
    }

    /// A piece of the original text, unchanged.
    init(original: [UInt8], _ range: Range<Int>, isTracked: Bool) {
        self.init(isTracked: isTracked)
        origin = Int32(truncatingIfNeeded: range.lowerBound)
        guard isTracked else {
            bytes = Array(original[range])
            guard origin == 0, let first = bytes.first else { return }
            leadingCount = min(UTF8Scalars.length(startingWith: first), count)
            return
        }
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

    /// First byte in the original text of what a byte came from; when untracked, whether that is 0.
    @inline(__always)
    func start(at position: Int) -> Int32 {
        isTracked ? starts[position] : position < leadingCount ? 0 : 1
    }

    /// Byte behind the last in the original text of what a byte came from; when untracked any.
    @inline(__always)
    func end(at position: Int) -> Int32 { isTracked ? ends[position] : 1 }

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }

    /// The range of the original text which the bytes of a range came from.
    func originalRange(of range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty else {
            let place = range.lowerBound < count ? Int(start(at: range.lowerBound)) : Int(origin)
            return place..<place
        }
        let lower = Int(start(at: range.lowerBound))
        return lower..<max(lower, Int(end(at: range.upperBound - 1)))
    }

    mutating func reserve(_ capacity: Int) {
        bytes.reserveCapacity(capacity)
        guard isTracked else { return }
        starts.reserveCapacity(capacity)
        ends.reserveCapacity(capacity)
    }

    /// Appends a byte with its origin.
    @inline(__always)
    mutating func append(_ byte: UInt8, from start: Int32, to end: Int32) {
        bytes.append(byte)
        if isTracked {
            starts.append(start)
            ends.append(end)
        } else if start == 0, leadingCount == bytes.count - 1 {
            leadingCount += 1
        }
    }

    /// Appends a range of another text with its origins.
    mutating func append(_ other: borrowing AlignedText, _ range: Range<Int>) {
        if isTracked {
            starts.append(contentsOf: other.starts[range])
            ends.append(contentsOf: other.ends[range])
        } else if leadingCount == bytes.count {
            leadingCount += max(0, min(other.leadingCount, range.upperBound) - range.lowerBound)
        }
        bytes.append(contentsOf: other.bytes[range])
    }

    /// Appends bytes which all came from where a byte of another text did.
    mutating func append(_ new: [UInt8], from other: borrowing AlignedText, at position: Int) {
        let (start, end) = (other.start(at: position), other.end(at: position))
        for byte in new { append(byte, from: start, to: end) }
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

    /// Whether all scalars satisfy a condition.
    @inline(__always)
    func allSatisfy(_ condition: (UInt32) -> Bool) -> Bool {
        let span = bytes.span
        var position = 0
        while position < span.count {
            let (scalar, length) = UTF8Scalars.decode(span, at: position)
            guard condition(scalar) else { return false }
            position += length
        }
        return true
    }

    /// Becomes the text of `edits`, the first `removed` old scalars gone.
    mutating func transform(_ edits: [Edit], removedAtStart removed: Int = 0) {
        var new = AlignedText(isTracked: isTracked)
        new.origin = origin
        new.reserve(count)
        var old = 0
        for _ in 0..<removed { skipScalar(&old) }
        for edit in edits {
            var start = origin
            var end = origin
            if edit.change > 0 {
                if old > 0 { (start, end) = (self.start(at: old - 1), self.end(at: old - 1)) }
            } else if old < count {
                (start, end) = (self.start(at: old), self.end(at: old))
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
        guard !allSatisfy(isKept) else { return }
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
        guard !allSatisfy({ image($0) == $0 }) else { return }
        transform(edits { scalar, emit in emit(image(scalar)) })
    }
}
