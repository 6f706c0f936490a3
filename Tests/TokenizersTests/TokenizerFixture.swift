import FoundationEssentials
import JSON
import TestSupport
import Tokenizers

/// A tokenizer of Tests/Fixtures/tokenizers, with what the reference library does with it.
struct TokenizerFixture: Sendable, CustomStringConvertible {
    /// The folder with `golden.txt` and perhaps `tokenizer_config.json`.
    let name: String
    /// The folder with `tokenizer.json`.
    var files: String

    init(_ name: String, files: String? = nil) {
        self.name = name
        self.files = files ?? name
    }

    var description: String { name }

    /// Every line of the torture corpus.
    static let corpus: [String] = {
        let lines = (try? Fixture.lines("tokenizers/corpus.jsonl")) ?? []
        return lines.compactMap { try? JSONValue(parsing: $0).string }
    }()

    /// Texts of 256 scalars each, by the list of pages in scripts/golden/torture_corpus.py.
    static let scalarPages: [String] = {
        let spans = [
            0x00..<0x35, 0x4D..<0x4F, 0x9F..<0xA0, 0xA4..<0xAD, 0xD7..<0xD8, 0xE0..<0xE1,
            0xF9..<0x11A, 0x16A..<0x170, 0x1BC..<0x1BD, 0x1CC..<0x1DB, 0x1DF..<0x1FC,
            0x2A6..<0x2A7, 0x2B8..<0x2BA, 0x2F8..<0x2FB, 0xE00..<0xE02, 0xF00..<0xF01,
            0x10FF..<0x1100,
        ]
        return spans.joined().map { page in
            (page << 8..<(page + 1) << 8)
                .compactMap { Unicode.Scalar(UInt32($0)).map { "ab\($0)e" } }
                .joined(separator: " ")
        }
    }()

    func load() throws -> Tokenizer {
        let folder = "tokenizers/\(name)"
        return try Tokenizer(
            tokenizerJSON: Fixture.bytes("tokenizers/\(files)/tokenizer.json"),
            tokenizerConfiguration: try? Fixture.bytes("\(folder)/tokenizer_config.json"))
    }

    /// The hashes of a part of `golden.txt`: `lines`, `pages` or `pairs`.
    func golden(_ part: String) throws -> [UInt32] {
        var lines = try Fixture.lines("tokenizers/\(name)/golden.txt")[...]
        while let line = lines.popFirst() {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count == 2, words[0] == part, let count = Int(words[1]) else { continue }
            return lines.prefix((count + 15) / 16).flatMap { line in
                stride(from: 0, to: line.count, by: 6).compactMap { start in
                    let digits = line[start..<min(start + 6, line.count)]
                    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
                }
            }
        }
        return []
    }

    /// The real MiniLM folder, where this machine has one.
    static let modelFolder: String = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["QUIVER_TEST_MODEL"] { return folder }
        return (environment["HOME"] ?? "") + "/.cache/quiver/models/all-MiniLM-L6-v2"
    }()

    static var hasModelFolder: Bool {
        FileManager.default.fileExists(atPath: modelFolder + "/tokenizer.json")
    }
}

/// The CRC-32 which scripts/golden/tokenizer_goldens.py takes of encodings.
struct EncodingHash {
    private var value: UInt32 = .max

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }

    mutating func add(_ encoding: Encoding) {
        for token in encoding.ids.indices {
            add(encoding.ids[token])
            add(encoding.typeIDs[token])
            add(Int32(encoding.offsets[token]?.lowerBound ?? -1))
            add(Int32(encoding.offsets[token]?.upperBound ?? -1))
        }
    }

    private mutating func add(_ number: Int32) {
        for shift in [0, 8, 16, 24] {
            let byte = UInt32(bitPattern: number) >> UInt32(shift) & 0xFF
            value = value >> 8 ^ Self.table[Int((value ^ byte) & 0xFF)]
        }
    }

    var folded: UInt32 { (~value ^ ~value >> 24) & 0xFF_FFFF }
}
