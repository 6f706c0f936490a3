/// Reading and writing scalars in UTF-8 that is known to be valid, since it came from a `String`.
enum UTF8Scalars {
    /// The scalar at `position` and its length in bytes.
    @inline(__always)
    static func decode(
        _ bytes: borrowing Span<UInt8>, at position: Int
    ) -> (scalar: UInt32, length: Int) {
        let first = UInt32(bytes[position])
        if first < 0x80 { return (first, 1) }
        if first < 0xE0 {
            return ((first & 0x1F) << 6 | tail(bytes, position + 1), 2)
        }
        if first < 0xF0 {
            let high = (first & 0x0F) << 12 | tail(bytes, position + 1) << 6
            return (high | tail(bytes, position + 2), 3)
        }
        let high = (first & 0x07) << 18 | tail(bytes, position + 1) << 12
        return (high | tail(bytes, position + 2) << 6 | tail(bytes, position + 3), 4)
    }

    @inline(__always)
    private static func tail(_ bytes: borrowing Span<UInt8>, _ position: Int) -> UInt32 {
        position < bytes.count ? UInt32(bytes[position] & 0x3F) : 0
    }

    /// Calls `body` with each byte of a scalar's UTF-8.
    @inline(__always)
    static func encode(_ scalar: UInt32, _ body: (UInt8) -> Void) {
        func byte(_ value: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: value) }
        if scalar < 0x80 {
            body(byte(scalar))
        } else if scalar < 0x800 {
            body(byte(0xC0 | scalar >> 6))
            body(byte(0x80 | scalar & 0x3F))
        } else if scalar < 0x10000 {
            body(byte(0xE0 | scalar >> 12))
            body(byte(0x80 | scalar >> 6 & 0x3F))
            body(byte(0x80 | scalar & 0x3F))
        } else {
            body(byte(0xF0 | scalar >> 18))
            body(byte(0x80 | scalar >> 12 & 0x3F))
            body(byte(0x80 | scalar >> 6 & 0x3F))
            body(byte(0x80 | scalar & 0x3F))
        }
    }

    /// Length in bytes of the scalar which starts with this byte.
    @inline(__always)
    static func length(startingWith byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// Length in bytes of a scalar's UTF-8.
    @inline(__always)
    static func length(of scalar: UInt32) -> Int {
        scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
    }
}
