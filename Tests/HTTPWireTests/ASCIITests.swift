import HTTPWire
import Testing

struct ASCIITests {
    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"

    /// The constants against the characters as the RFCs list them, for every byte.
    @Test func classesAreThoseOfTheRFCs() {
        let word = Self.letters + Self.digits
        let classes: [(String, (UInt8) -> Bool, String)] = [
            ("token", ASCII.isTokenCharacter, word + "!#$%&'*+-.^_`|~"),
            ("target", ASCII.isTargetByte, word + "-._~!$&'()*+,;=:@/?%[]"),
            ("hex", ASCII.isHexDigit, Self.digits + "abcdefABCDEF"),
            ("reg-name", ASCII.isRegisteredNameByte, word + "-._~%"),
            ("unreserved", ASCII.isUnreserved, word + "-._~"),
            ("digit", ASCII.isDigit, Self.digits),
            ("letter", ASCII.isLetter, Self.letters),
        ]
        for (name, isMember, members) in classes {
            let expected = Set(members.utf8)
            for byte in UInt8.min...UInt8.max {
                #expect(isMember(byte) == expected.contains(byte), "\(name) \(byte)")
            }
        }
    }

    @Test func fieldValuesHoldEverythingButControls() {
        for byte in UInt8.min...UInt8.max {
            let isControl = (byte < 0x20 && byte != 0x09) || byte == 0x7F
            #expect(ASCII.isFieldValueByte(byte) == !isControl)
        }
    }

    @Test func hexadecimalDigitsHaveTheirValues() {
        for byte in UInt8.min...UInt8.max {
            let text = String(decoding: [byte], as: UTF8.self)
            let expected = ASCII.isHexDigit(byte) ? UInt8(text, radix: 16) : nil
            #expect(ASCII.hexValue(byte) == expected)
        }
    }
}
