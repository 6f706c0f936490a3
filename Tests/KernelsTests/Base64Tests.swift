import CKernels
import Kernels
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

struct Base64Tests {
    private static let variants = [
        CK_BASE64_PLAIN, CK_BASE64_AVX2, CK_BASE64_AVX512_VBMI,
    ].filter { ck_base64_supports($0) }

    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func encodesTheTestVectors(text: String, expected: String) {
        for variant in Self.variants {
            #expect(encode(Array(text.utf8), variant) == Array(expected.utf8))
        }
    }

    @Test func everyLengthIsWhatTheGrammarSays() {
        var random = SplitMix64(seed: 1)
        for count in 0...300 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let expected = Self.reference(bytes)
            for variant in Self.variants {
                #expect(encode(bytes, variant) == expected, "\(variant), \(count) bytes")
            }
        }
    }

    @Test func everyDigitComesAtEveryPlace() {
        for digit in UInt8(0)..<64 {
            let group = [digit << 2 | digit >> 4, digit << 4 | digit >> 2, digit << 6 | digit]
            let bytes = Array(repeatElement(group, count: 48).joined())
            for variant in Self.variants {
                #expect(encode(bytes, variant) == Self.reference(bytes))
            }
        }
    }

    @Test func manyBytesAreRight() {
        var random = SplitMix64(seed: 2)
        for count in [1021, 1536, 4096, 12289] {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let expected = Self.reference(bytes)
            for variant in Self.variants { #expect(encode(bytes, variant) == expected) }
        }
    }

    /// Input and output each end where the next page may not be touched, and start likewise.
    @Test func touchesNothingOutsideItsBuffers() throws {
        let input = try GuardedPages()
        let output = try GuardedPages()
        for count in 1...300 {
            let text = (count + 2) / 3 * 4
            let atEnd = (input.bytes.suffix(count), output.bytes.suffix(text))
            let atStart = (input.bytes.prefix(count), output.bytes.prefix(text))
            for variant in Self.variants {
                for (source, target) in [atEnd, atStart] {
                    let source = UnsafeMutableBufferPointer(rebasing: source)
                    let target = UnsafeMutableBufferPointer(rebasing: target)
                    for i in source.indices {
                        source[i] = UInt8(truncatingIfNeeded: i &* 167 &+ count)
                    }
                    output.bytes.update(repeating: 0xEE)
                    let written = ck_base64_encode_with(
                        variant, source.baseAddress, count, target.baseAddress)
                    #expect(written == text)
                    #expect(Array(target) == Self.reference(Array(source)))
                    let untouched = output.bytes.count { $0 == 0xEE }
                    #expect(untouched == output.bytes.count - text)
                }
            }
        }
    }

    @Test(arguments: 0...40)
    func floatsAreLittleEndian(count: Int) {
        let values = (0..<count).map { Float($0) * 1.37 - 2 }
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        let text = [UInt8](capacity: Base64.bytes(forFloats: count)) {
            Base64.append(values.span, to: &$0)
        }
        #expect(text == Self.reference(bytes))
    }

    private func encode(_ bytes: [UInt8], _ variant: ck_base64_variant) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { buffer, count in
            count = ck_base64_encode_with(variant, bytes, bytes.count, buffer.baseAddress)
        }
    }

    /// Bit by bit, as RFC 4648 tells it.
    private static func reference(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count * 8, by: 6) {
            var digit = 0
            for bit in start..<start + 6 {
                let isSet = bit / 8 < bytes.count && bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0
                digit = digit * 2 + (isSet ? 1 : 0)
            }
            text.append(alphabet[digit])
        }
        while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return text
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}

/// One page between two that fault when touched.
private final class GuardedPages {
    struct NoMemory: Error {}

    let bytes: UnsafeMutableBufferPointer<UInt8>
    private let start: UnsafeMutableRawPointer
    private static let pageBytes = Int(getpagesize())

    init() throws {
        let pageBytes = Self.pageBytes
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let start = mmap(nil, 3 * pageBytes, PROT_NONE, flags, -1, 0), start != MAP_FAILED,
            mprotect(start + pageBytes, pageBytes, PROT_READ | PROT_WRITE) == 0
        else { throw NoMemory() }
        self.start = start
        bytes = UnsafeMutableBufferPointer(
            start: (start + pageBytes).assumingMemoryBound(to: UInt8.self), count: pageBytes)
    }

    deinit { munmap(start, 3 * Self.pageBytes) }
}
