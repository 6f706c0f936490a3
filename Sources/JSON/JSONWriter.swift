/// Appends JSON to a byte buffer; the caller keeps the structure right.
package struct JSONWriter {
    /// The text so far, as UTF-8.
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends text that is JSON already.
    package mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends text that is JSON already.
    @_disfavoredOverload
    package mutating func raw(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends text that is JSON already and that `fill` writes in place, at most `capacity` bytes.
    package mutating func append(upTo capacity: Int, _ fill: (inout OutputSpan<UInt8>) -> Void) {
        bytes.append(addingCapacity: capacity, initializingWith: fill)
    }

    /// Appends a whole number.
    package mutating func number(_ value: Int) {
        raw(String(value))
    }

    /// Appends a number with decimals, in seconds or milliseconds say; not finite ones as null.
    package mutating func number(_ value: Double) {
        raw(value.isFinite ? String(value) : "null")
    }

    /// Appends a string in quotes, or null.
    package mutating func stringOrNull(_ text: String?) {
        if let text {
            string(text)
        } else {
            raw("null")
        }
    }

    /// Appends a string in quotes; escapes what RFC 8259 §7 asks for, and DEL.
    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0..<0x20, 0x7F:
                raw("\\u00")
                bytes.append(Self.hexadecimal[Int(byte >> 4)])
                bytes.append(Self.hexadecimal[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends numbers in brackets, each as the shortest text that reads back as the same float32.
    package mutating func array(_ values: ArraySlice<Float>) {
        bytes.append(UInt8(ascii: "["))
        FloatFormatter.append(values, to: &bytes)
        bytes.append(UInt8(ascii: "]"))
    }

    /// Appends numbers as a string: base64 of their little-endian float32 bytes.
    package mutating func base64(_ values: ArraySlice<Float>) {
        bytes.append(UInt8(ascii: "\""))
        Base64.append(values, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hexadecimal = Array("0123456789abcdef".utf8)
}
