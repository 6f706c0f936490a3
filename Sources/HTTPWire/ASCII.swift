/// The character classes of RFC 9110 §5.6 and RFC 3986, by octet.
///
/// Swift's own notions (white space, digits, case) are Unicode's and would let smuggled bytes pass.
package enum ASCII {
    package static let tab: UInt8 = 0x09
    package static let lineFeed: UInt8 = 0x0A
    package static let carriageReturn: UInt8 = 0x0D
    package static let space: UInt8 = 0x20

    private static let tokenBit: UInt8 = 1
    private static let fieldValueBit: UInt8 = 2
    private static let targetBit: UInt8 = 4
    private static let hexBit: UInt8 = 8
    private static let registeredNameBit: UInt8 = 16
    private static let unreservedBit: UInt8 = 32

    private static let classes: [UInt8] = (0...255).map { makeClass(UInt8($0)) }

    private static func makeClass(_ byte: UInt8) -> UInt8 {
        let scalar = Character(Unicode.Scalar(byte))
        let alphanumeric = byte < 0x80 && (isLetter(byte) || isDigit(byte))
        var bits: UInt8 = 0
        if alphanumeric || "!#$%&'*+-.^_`|~".contains(scalar) { bits |= tokenBit }
        if byte == tab || (byte >= 0x20 && byte != 0x7F) { bits |= fieldValueBit }
        if alphanumeric || "-._~!$&'()*+,;=:@/?%[]".contains(scalar) { bits |= targetBit }
        if isDigit(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte) {
            bits |= hexBit
        }
        if alphanumeric || "-._~%".contains(scalar) { bits |= registeredNameBit }
        if alphanumeric || "-._~".contains(scalar) { bits |= unreservedBit }
        return bits
    }

    /// `tchar` of RFC 9110 §5.6.2.
    package static func isTokenCharacter(_ byte: UInt8) -> Bool {
        classes[Int(byte)] & tokenBit != 0
    }

    /// HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5): what may stand in a field value.
    package static func isFieldValueByte(_ byte: UInt8) -> Bool {
        classes[Int(byte)] & fieldValueBit != 0
    }

    /// `pchar`, "/", "?" and, for IPv6 literals, brackets: what may stand in a request target.
    package static func isTargetByte(_ byte: UInt8) -> Bool {
        classes[Int(byte)] & targetBit != 0
    }

    package static func isHexDigit(_ byte: UInt8) -> Bool { classes[Int(byte)] & hexBit != 0 }

    /// `reg-name` of RFC 3986 §3.2.2 without sub-delims, which no host name has.
    package static func isRegisteredNameByte(_ byte: UInt8) -> Bool {
        classes[Int(byte)] & registeredNameBit != 0
    }

    /// `unreserved` of RFC 3986 §2.3.
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        classes[Int(byte)] & unreservedBit != 0
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
