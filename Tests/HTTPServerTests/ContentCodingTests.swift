import HTTPServer
import HTTPWire
import Testing

/// Coded content made by hand, of stored blocks (RFC 1951 §3.2.4), so that no compressor is trusted.
private enum Coded {
    static func gzip(
        _ content: [UInt8], flags: UInt8 = 0, extra: [UInt8] = [], checksum: UInt32? = nil,
        length: UInt32? = nil
    ) -> [UInt8] {
        [0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 255] + extra + blocks(content)
            + littleEndian(checksum ?? crc32(content))
            + littleEndian(length ?? UInt32(truncatingIfNeeded: content.count))
    }

    static func zlib(_ content: [UInt8], checksum: UInt32? = nil) -> [UInt8] {
        [0x78, 0x01] + blocks(content) + littleEndian(checksum ?? adler32(content)).reversed()
    }

    private static func blocks(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = content[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest.dropFirst(0xFFFF)
            let length = UInt16(block.count)
            bytes.append(rest.isEmpty ? 1 : 0)
            bytes += [UInt8(length & 255), UInt8(length >> 8)]
            bytes += [UInt8(~length & 255), UInt8(~length >> 8)]
            bytes += block
        } while !rest.isEmpty
        return bytes
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// RFC 1952 §8, bit by bit.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var register = ~UInt32(0)
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 {
                register = register & 1 == 1 ? 0xEDB8_8320 ^ (register >> 1) : register >> 1
            }
        }
        return ~register
    }

    /// RFC 1950 §8.2.
    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in bytes {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return high << 16 | low
    }
}

private struct Outcome: Equatable {
    var content: [UInt8] = []
    var failure: InflationFailure?
}

/// Feeds the slices one by one, then the end.
private func inflate(_ slices: [ArraySlice<UInt8>], by inflater: ContentInflater?) -> Outcome {
    var outcome = Outcome()
    do throws(InflationFailure) {
        for slice in slices {
            let bytes = Array(slice)
            try inflater?.inflate(bytes.span, into: &outcome.content)
        }
        try inflater?.finish()
    } catch {
        outcome.failure = error
    }
    return outcome
}

private func inflate(
    _ bytes: [UInt8], _ coding: ContentCoding = .gzip, sliceBytes: Int = .max,
    bytesMaximum: Int = 32 << 20, ratioMaximum: Int = 100
) -> Outcome {
    let sliceBytes = min(sliceBytes, max(bytes.count, 1))
    let slices = stride(from: 0, to: bytes.count, by: sliceBytes).map {
        bytes[$0..<min($0 + sliceBytes, bytes.count)]
    }
    return inflate(
        slices,
        by: ContentInflater(coding, bytesMaximum: bytesMaximum, ratioMaximum: ratioMaximum))
}

private func gzipped(
    _ content: [UInt8], by deflater: ContentDeflater = ContentDeflater()
) -> [UInt8]? {
    deflater.compress(content.span)
}

struct ContentInflaterTests {
    private static let text = Array(#"{"model":"m","input":"hi"}"#.utf8)

    @Test func isNotMadeForIdentity() {
        #expect(ContentInflater(.identity, bytesMaximum: 1, ratioMaximum: 1) == nil)
    }

    @Test(arguments: [0, 1, 0xFFFF, 0x10000, 200_000])
    func inflatesStoredBlocks(count: Int) {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        for sliceBytes in [count < 1000 ? 1 : 997, 4096, .max] {
            let gzip = inflate(Coded.gzip(content), sliceBytes: sliceBytes)
            #expect(gzip == Outcome(content: content))
            let zlib = inflate(Coded.zlib(content), .deflate, sliceBytes: sliceBytes)
            #expect(zlib == Outcome(content: content))
        }
    }

    @Test func readsWhatPythonWrote() {
        // gzip.compress(text, 9) and zlib.compress(text).
        let gzip: [UInt8] = [
            0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF, 0xAB, 0x56, 0xCA, 0xCD, 0x4F, 0x49, 0xCD, 0x51,
            0xB2, 0x52, 0xCA, 0x55, 0xD2, 0x51, 0xCA, 0xCC, 0x2B, 0x28, 0x2D, 0x01, 0xB2, 0x33,
            0x32, 0x95, 0x6A, 0x01, 0x18, 0x50, 0x9E, 0x1E, 0x1A, 0, 0, 0,
        ]
        let zlib: [UInt8] = [
            0x78, 0x9C, 0xAB, 0x56, 0xCA, 0xCD, 0x4F, 0x49, 0xCD, 0x51, 0xB2, 0x52, 0xCA, 0x55,
            0xD2, 0x51, 0xCA, 0xCC, 0x2B, 0x28, 0x2D, 0x01, 0xB2, 0x33, 0x32, 0x95, 0x6A, 0x01,
            0x6F, 0x8B, 0x08, 0x28,
        ]
        #expect(inflate(gzip) == Outcome(content: Self.text))
        #expect(inflate(zlib, .deflate) == Outcome(content: Self.text))
        #expect(inflate(zlib).failure == .malformed)
        #expect(inflate(gzip, .deflate).failure == .malformed)
        #expect(inflate(Array(gzip[10..<36])).failure == .malformed, "raw deflate")
        #expect(inflate(Array(gzip[10..<36]), .deflate).failure == .malformed, "raw deflate")
    }

    @Test func readsOptionalHeaderFields() {
        // FEXTRA, FNAME and FCOMMENT (RFC 1952 §2.3.1).
        let extra: [UInt8] = [4, 0, 1, 2, 3, 4] + Array("name\0comment\0".utf8)
        let bytes = Coded.gzip(Self.text, flags: 0b1_1100, extra: extra)
        #expect(inflate(bytes, sliceBytes: 1) == Outcome(content: Self.text))
    }

    @Test func refusesASecondMemberAtEverySplit() {
        let bytes = Coded.gzip(Self.text) + Coded.gzip([7])
        for split in 0...bytes.count {
            let inflater = ContentInflater(.gzip, bytesMaximum: 100, ratioMaximum: 100)
            let outcome = inflate([bytes[..<split], bytes[split...]], by: inflater)
            #expect(outcome.failure == .malformed)
        }
    }

    @Test func isTruncatedBeforeTheEnd() {
        let gzip = Coded.gzip(Self.text)
        for count in 0..<gzip.count {
            #expect(inflate(Array(gzip.prefix(count))).failure == .truncated)
            let second = gzip + gzip.prefix(count)
            #expect(inflate(second).failure == (count == 0 ? nil : .malformed))
        }
        let zlib = Coded.zlib(Self.text)
        for count in 0..<zlib.count {
            #expect(inflate(Array(zlib.prefix(count)), .deflate).failure == .truncated)
        }
    }

    @Test func refusesWhatIsWrong() {
        var badBlock = Coded.gzip(Self.text)
        badBlock[10] = 0b111
        let cases: [(String, [UInt8], ContentCoding)] = [
            ("checksum", Coded.gzip(Self.text, checksum: 1), .gzip),
            ("length", Coded.gzip(Self.text, length: 27), .gzip),
            ("reserved flags", Coded.gzip(Self.text, flags: 0xE0), .gzip),
            ("block type", badBlock, .gzip),
            ("plain text", Self.text, .gzip),
            ("plain text", Self.text, .deflate),
            ("garbage", Coded.gzip(Self.text) + Array("GARBAGE".utf8), .gzip),
            ("zero padding", Coded.gzip(Self.text) + [0, 0], .gzip),
            ("checksum", Coded.zlib(Self.text, checksum: 1), .deflate),
            ("a second stream", Coded.zlib(Self.text) + Coded.zlib(Self.text), .deflate),
            // FDICT (RFC 1950 §2.2) and the identifier of a dictionary.
            (
                "dictionary", [0x78, 0x20, 0, 0, 0, 1] + Coded.zlib(Self.text).dropFirst(2),
                .deflate
            ),
        ]
        for (name, bytes, coding) in cases {
            #expect(inflate(bytes, coding).failure == .malformed, "\(name)")
            #expect(inflate(bytes, coding, sliceBytes: 1).failure == .malformed, "\(name)")
        }
    }

    @Test func keepsTheBound() {
        let bytes = Coded.gzip([UInt8](repeating: 1, count: 1000))
        for sliceBytes in [1, .max] {
            #expect(inflate(bytes, sliceBytes: sliceBytes, bytesMaximum: 1000).failure == nil)
            #expect(inflate(bytes, sliceBytes: sliceBytes, bytesMaximum: 999).failure == .tooLarge)
        }
    }

    @Test func stopsABombWithinOneStep() throws {
        let megabytes = 64
        let zeros = [UInt8](repeating: 0, count: megabytes << 20)
        let bomb = try #require(gzipped(zeros, by: ContentDeflater(level: 9)))
        #expect(bomb.count * 900 < zeros.count)
        for sliceBytes in [1, 4096, .max] {
            let outcome = inflate(bomb, sliceBytes: sliceBytes)
            #expect(outcome.failure == .tooLarge)
            let bound = ContentInflater.ratioFreeBytes + ContentInflater.stepBytes
            #expect(outcome.content.count <= bound)
        }
        // Without the ratio the bytes are the bound.
        let outcome = inflate(bomb, bytesMaximum: 8 << 20, ratioMaximum: .max)
        #expect(outcome.failure == .tooLarge)
        #expect(outcome.content.count <= (8 << 20) + ContentInflater.stepBytes)
        #expect(inflate(bomb, bytesMaximum: .max, ratioMaximum: 2000).content.count == zeros.count)
    }

    @Test func allowsTheRatioUpToTheFirstMebibyte() throws {
        let zeros = [UInt8](repeating: 0, count: ContentInflater.ratioFreeBytes)
        let bytes = try #require(gzipped(zeros, by: ContentDeflater(level: 9)))
        #expect(inflate(bytes, ratioMaximum: 1) == Outcome(content: zeros))
        let more = try #require(gzipped(zeros + [0], by: ContentDeflater(level: 9)))
        #expect(inflate(more, ratioMaximum: 1).failure == .tooLarge)
    }

    @Test func failsTheSameWayAgain() {
        let inflater = ContentInflater(.gzip, bytesMaximum: 100, ratioMaximum: 100)
        let bad = Coded.gzip(Self.text, checksum: 1)
        for bytes in [bad, Coded.gzip(Self.text), []] {
            #expect(inflate([bytes[...]], by: inflater).failure == .malformed)
        }
    }

    @Test(arguments: 0..<50)
    func neverTrapsOnAlteredBytes(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let content = (0..<3000).map { _ in UInt8.random(in: 48...57, using: &random) }
        let bytes = try #require(gzipped(content))
        var altered = bytes
        altered[Int.random(in: 0..<bytes.count, using: &random)] ^=
            1
            << UInt8.random(
                in: 0..<8, using: &random)
        let outcome = inflate(altered, sliceBytes: Int.random(in: 1...100, using: &random))
        // The header's time, system and hint bytes are not covered by the checksum.
        #expect(outcome.failure != nil || outcome.content == content)
    }

    @Test func saysWhatTheClientIsTold() {
        #expect(
            InflationFailure.allCases.map(\.protocolFailure.status.code) == [400, 400, 413, 503])
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct ContentDeflaterTests {
    @Test func roundTripsOneAfterAnother() throws {
        let deflater = ContentDeflater()
        var random = SplitMix(state: 1)
        for count in [100, 16 << 10, 1 << 20, 333] {
            let content = (0..<count).map { _ in UInt8.random(in: 48...57, using: &random) }
            let compressed = try #require(gzipped(content, by: deflater))
            #expect(compressed.count < content.count)
            #expect(inflate(compressed, sliceBytes: 4096) == Outcome(content: content))
        }
    }

    @Test func refusesToGrow() {
        var random = SplitMix(state: 2)
        let deflater = ContentDeflater()
        #expect(gzipped([], by: deflater) == nil)
        #expect(gzipped([1], by: deflater) == nil)
        for count in [100, 100_000] {
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(gzipped(noise, by: deflater) == nil)
        }
        #expect(gzipped([UInt8](repeating: 0, count: 1000), by: deflater) != nil)
    }
}

struct AcceptEncodingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var lines: [String]
        var expected: ResponseCoding

        init(_ lines: String..., gives expected: ResponseCoding) {
            self.lines = lines
            self.expected = expected
        }

        var testDescription: String { lines.joined(separator: " | ") }
    }

    static let rows = [
        Row(gives: .identity),
        Row("", gives: .identity),
        Row("gzip", gives: .gzip),
        Row("GZip", gives: .gzip),
        Row("x-gzip", gives: .gzip),
        Row("gzip, deflate, br", gives: .gzip),
        Row("deflate,br;q=1.0 ,\tgzip ; q=0.5", gives: .gzip),
        Row("br", "gzip", gives: .gzip),
        Row("br", gives: .identity),
        Row("deflate", gives: .identity),
        Row("*", gives: .gzip),
        Row("*;q=0", gives: .identity),
        Row("gzip;q=0", gives: .identity),
        Row("gzip;q=0.000", gives: .identity),
        Row("gzip;q=0.001", gives: .gzip),
        Row("gzip;Q=1.000", gives: .gzip),
        Row("gzip;q=0, *", gives: .identity),
        Row("gzip, *;q=0", gives: .gzipOnly),
        Row("gzip, identity;q=0", gives: .gzipOnly),
        Row("*, identity;q=0", gives: .gzipOnly),
        Row("gzip;q=0, identity;q=0", gives: .identity),
        Row("identity;q=0", gives: .identity),
        Row("identity", gives: .identity),
        Row("identity;q=1, gzip;q=0.5", gives: .identity),
        Row("identity;q=0.5, gzip;q=1.0", gives: .gzip),
        Row("identity, gzip", gives: .gzip),
        Row("identity;q=0.5, *;q=0", gives: .identity),
        Row("identity;q=0.5, *;q=0.1", gives: .identity),
        Row("gzip;q=0, gzip;q=0.2", gives: .gzip),
        Row("gzip;q=1.001", gives: .identity),
        Row("gzip;q=2", gives: .identity),
        Row("gzip;q=0.1234", gives: .identity),
        Row("gzip;q=", gives: .identity),
        Row("gzip;q=-1", gives: .identity),
        Row("gzip;q=.5", gives: .identity),
        Row("gzip;q=1x", gives: .identity),
        Row("gzip;level=1", gives: .identity),
        Row("gzip;", gives: .identity),
        Row("gzip;q=1.", gives: .gzip),
        Row("gzipped", gives: .identity),
        Row(",, ,gzip,,", gives: .gzip),
        Row(";q=1", gives: .identity),
    ]

    @Test(arguments: rows)
    func chooses(row: Row) {
        var fields = HTTPFields()
        for line in row.lines { fields.append("Accept-Encoding", line) }
        #expect(ResponseCoding(fields) == row.expected)
    }
}
