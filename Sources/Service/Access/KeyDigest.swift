import HTTPServer

/// The SHA-256 of an API key, which is all that the service ever keeps of one.
///
/// A key of `quiver key` holds 256 random bits, so a plain digest is enough: a salt and a slow hash
/// protect secrets that can be guessed, and would cost every request what they cost a guesser.
package struct KeyDigest: Hashable, Sendable {
    /// The 32 bytes as four words.
    private let words: SIMD4<UInt64>

    /// The digest of a key's bytes; nil without memory.
    package init?(of key: some Sequence<UInt8>) {
        guard let bytes = MessageDigest.sha256(key) else { return nil }
        self.init(bytes: bytes)
    }

    /// Reads 64 hexadecimal digits of either case; nil for anything else.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = Self.value(of: digits[index]),
                let low = Self.value(of: digits[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    private init(bytes: [UInt8]) {
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// The digest as 64 lower-case hexadecimal digits.
    package var hexadecimal: String {
        (0..<4).map { index in
            let digits = String(words[index], radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// All ones when the two are equal, else zero; without a branch or an early end.
    package func equality(with other: KeyDigest) -> UInt64 {
        let difference = words ^ other.words
        let folded = difference[0] | difference[1] | difference[2] | difference[3]
        // The top bit of `x | -x` is set unless x is zero.
        return ((folded | (0 &- folded)) >> 63) &- 1
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
