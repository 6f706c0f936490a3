import CKernels
import Kernels
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

struct FloatTextTests {
    /// The text of one number by the function for one, and by the function for many.
    private func text(_ value: Float) -> String {
        let one = [UInt8](unsafeUninitializedCapacity: FloatText.bytesMaximum) { buffer, count in
            count = ck_format_f32(value, buffer.baseAddress)
        }
        let many = text([value])
        #expect(many == one)
        return String(decoding: one, as: UTF8.self)
    }

    private func text(_ values: [Float]) -> [UInt8] {
        [UInt8](capacity: values.count * FloatText.bytesMaximum) {
            FloatText.append(values.span, to: &$0)
        }
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.5, "0.5"), (10, "10"), (0.1, "0.1"),
            (0.05123457, "0.05123457"), (-0.0012, "-0.0012"), (0.005, "5e-3"), (0.01, "0.01"),
            (0.00099999, "9.9999e-4"), (0.00123456, "0.00123456"), (1e-4, "1e-4"),
            (1.25e-7, "1.25e-7"), (0x1p-12, "2.4414062e-4"), (123456.79, "123456.79"), (100, "100"),
            (1000, "1e3"), (1100, "1100"), (1.1e5, "1.1e5"), (1.23e5, "123000"), (1.23e6, "1.23e6"),
            (16_777_216, "16777216"), (169_000_000, "1.69e8"), (999_999_936, "999999940"),
            (1_234_567_936, "1234568000"), (1e9, "1e9"), (1.2345679e12, "1.234568e12"),
            (1.2345679e11, "123456790000"), (0x1p34, "17179870000"),
            (.greatestFiniteMagnitude, "3.4028235e38"), (.leastNormalMagnitude, "1.1754944e-38"),
            (.leastNonzeroMagnitude, "1e-45"), (-.leastNormalMagnitude, "-1.1754944e-38"),
            (2097152.25, "2097152.2"), (.infinity, "null"), (-.infinity, "null"), (.nan, "null"),
        ] as [(Float, String)])
    func isTheShortestText(value: Float, expected: String) {
        #expect(text(value) == expected)
    }

    @Test func separatesNumbersByCommas() {
        #expect(text([]) == [])
        #expect(text([0.25, -3, 1e-9]) == Array("0.25,-3,1e-9".utf8))
        for count in 1...67 {
            let values = (0..<count).map { Float($0 * $0) / 64 - 7 }
            let expected = values.map { text($0) }.joined(separator: ",")
            #expect(text(values) == Array(expected.utf8))
        }
    }

    @Test func powersOfTwoAndTheirNeighboursAgreeWithTheStandardLibrary() {
        for exponent in UInt32(0)..<255 {
            let power = exponent << 23
            let patterns = Set([power, power | 1, power | 2, power | 0x7F_FFFF, power | 0x40_0000])
            for pattern in patterns where pattern > 0 {
                expectSameDigits(pattern)
                expectSameDigits(pattern - 1)
            }
        }
    }

    @Test func smallSubnormalsAndWholeNumbersAgreeWithTheStandardLibrary() {
        for pattern in UInt32(1)..<3000 { expectSameDigits(pattern) }
        for number in stride(from: 1, to: 40_000_000, by: 9973) {
            expectSameDigits(Float(number).bitPattern)
        }
        for number in 1..<3000 { expectSameDigits((Float(number) / 1000).bitPattern) }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func randomNumbersAgreeWithTheStandardLibrary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<10_000 {
            expectSameDigits(UInt32(truncatingIfNeeded: random.next()) & 0x7FFF_FFFF)
        }
    }

    /// Random patterns over all exponents, which the C library must read back.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func readsBackAsTheSameNumber(seed: UInt64) {
        var random = SplitMix64(seed: seed &+ 100)
        var values: [Float] = []
        while values.count < 1 << 18 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if value.isFinite { values.append(value) }
        }
        checkReadingBack(values)
    }

    @Test func componentsOfUnitVectorsReadBackAsTheSameNumber() {
        var random = SplitMix64(seed: 7)
        checkReadingBack(
            (0..<1 << 19).map { _ in
                let value = Float(Int64(bitPattern: random.next()) >> 32) / 0x1p31
                return value * value * value / 4
            })
    }

    /// Reads the text of `values` by `strtof`, and compares its length to `description`'s.
    private func checkReadingBack(_ values: [Float]) {
        let characters = (text(values) + [0]).map { CChar(bitPattern: $0) }
        var failed: [Float] = []
        characters.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var offset = 0
            for value in values {
                var end: UnsafeMutablePointer<CChar>? = nil
                let read = strtof(base + offset, &end)
                let count = end.map { UnsafePointer($0) - base - offset } ?? 0
                if read.bitPattern != value.bitPattern || count > value.description.utf8.count {
                    failed.append(value)
                }
                offset += count + 1
            }
            #expect(offset == characters.count)
        }
        #expect(failed == [])
    }

    /// Both texts, without point, leading and trailing zeros, and the power of ten of the last digit.
    private func expectSameDigits(_ pattern: UInt32) {
        let value = Float(bitPattern: pattern)
        guard value.isFinite, value != 0 else { return }
        let ours = Decimal(text([value]))
        let expected = Decimal(Array(value.description.utf8))
        if ours != expected { Issue.record("\(value): \(ours) is not \(expected)") }
    }

    private struct Decimal: Equatable {
        var digits: [UInt8] = []
        var exponent = 0

        init(_ text: [UInt8]) {
            let parts = text.split(separator: UInt8(ascii: "e"))
            var isFraction = false
            for byte in parts[0] where byte != UInt8(ascii: "-") {
                if byte == UInt8(ascii: ".") {
                    isFraction = true
                    continue
                }
                if isFraction { exponent -= 1 }
                if !digits.isEmpty || byte != UInt8(ascii: "0") { digits.append(byte) }
            }
            while digits.last == UInt8(ascii: "0") {
                digits.removeLast()
                exponent += 1
            }
            if parts.count > 1 { exponent += Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 }
        }
    }
}
