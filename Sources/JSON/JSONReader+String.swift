extension JSONReader {
    /// Reads a string and resolves its escapes.
    ///
    /// - Throws: ``JSONError`` for control characters, unknown escapes, unpaired surrogates, and bytes
    ///   that are not UTF-8.
    package mutating func readString() throws(JSONError) -> String {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fail("a string is expected")
        }
        position += 1
        let start = position
        try scanPlain()
        if bytes[position] == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try text(bytes[start..<position], from: start)
        }
        return try readEscaped(from: start)
    }

    /// Moves on to the next quote or backslash.
    private mutating func scanPlain() throws(JSONError) {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): return
            case 0..<0x20: throw fail("a control character in a string must be escaped")
            default: position += 1
            }
        }
        throw fail("a string is not closed")
    }

    /// The rest of a string that has escapes; `position` is at the first backslash.
    private mutating func readEscaped(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<position])
        while bytes[position] == UInt8(ascii: "\\") {
            position += 1
            try readEscape(into: &unescaped)
            let plainStart = position
            try scanPlain()
            unescaped.append(contentsOf: bytes[plainStart..<position])
        }
        defer { position += 1 }
        return try text(unescaped[...], from: start)
    }

    private mutating func readEscape(into unescaped: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw fail("a string is not closed") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: try readUnicodeEscape().utf8)
        default:
            position -= 1
            throw fail("unknown escape in a string")
        }
    }

    /// One scalar from `\uXXXX`, or from two of them that are a surrogate pair.
    private mutating func readUnicodeEscape() throws(JSONError) -> String {
        let first = try readFourDigits()
        if let scalar = Unicode.Scalar(first) { return String(scalar) }
        let isPair =
            (0xD800..<0xDC00).contains(first) && position + 1 < bytes.count
            && bytes[position] == UInt8(ascii: "\\") && bytes[position + 1] == UInt8(ascii: "u")
        guard isPair else { throw fail("an unpaired surrogate is no character") }
        position += 2
        let second = try readFourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(
                0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw fail("an unpaired surrogate is no character") }
        return String(scalar)
    }

    private mutating func readFourDigits() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Self.hexadecimal(bytes[position]) else {
                throw fail("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private func text(_ utf8: ArraySlice<UInt8>, from start: Int) throws(JSONError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw JSONError("a string is not valid UTF-8", at: start)
        }
        return text
    }
}
