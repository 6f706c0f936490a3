/// The character classes of RFC 9110 §5.6 and RFC 3986, by octet.
///
/// Swift's own notions (white space, digits, case) are Unicode's and would let smuggled bytes pass.
package enum ASCII {
    package static let tab: UInt8 = 0x09
    package static let lineFeed: UInt8 = 0x0A
    package static let carriageReturn: UInt8 = 0x0D
    package static let space: UInt8 = 0x20

    /// Whether `byte` is in a set of ASCII characters: bit n of `low` is character n, of `high` n + 64.
    ///
    /// Constants instead of a table: they are looked at for every byte of every head.
    private static func isMember(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
        guard byte < 0x80 else { return false }
        return (byte < 0x40 ? low : high) >> UInt64(byte & 0x3F) & 1 == 1
    }

    /// `tchar` of RFC 9110 §5.6.2: letters, digits, and ``!#$%&'*+-.^_`|~``.
    package static func isTokenCharacter(_ byte: UInt8) -> Bool {
        isMember(byte, 0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
    }

    /// HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5): what may stand in a field value.
    package static func isFieldValueByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 ? byte != 0x7F : byte == tab
    }

    /// `pchar`, "/", "?" and, for IPv6 literals, brackets: what may stand in a request target.
    package static func isTargetByte(_ byte: UInt8) -> Bool {
        isMember(byte, 0xAFFF_FFF2_0000_0000, 0x47FF_FFFE_AFFF_FFFF)
    }

    /// `HEXDIG` of RFC 5234, in both cases.
    package static func isHexDigit(_ byte: UInt8) -> Bool {
        isMember(byte, 0x03FF_0000_0000_0000, 0x0000_007E_0000_007E)
    }

    /// `reg-name` of RFC 3986 §3.2.2 without sub-delims, which no host name has.
    package static func isRegisteredNameByte(_ byte: UInt8) -> Bool {
        isMember(byte, 0x03FF_6020_0000_0000, 0x47FF_FFFE_87FF_FFFE)
    }

    /// `unreserved` of RFC 3986 §2.3.
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        isMember(byte, 0x03FF_6000_0000_0000, 0x47FF_FFFE_87FF_FFFE)
    }

    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    package static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit.
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// Whether a run of bytes is the ASCII text `right`, but for the case of letters.
    package static func equals(_ left: ArraySlice<UInt8>, ignoringCase right: String) -> Bool {
        let expected = right.utf8
        return left.count == expected.count
            && zip(left, expected).allSatisfy { lowercased($0) == lowercased($1) }
    }
}
