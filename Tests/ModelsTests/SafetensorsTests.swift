import FoundationEssentials
import Glibc
import JSON
import Models
import TestSupport
import Testing

struct SafetensorsTests {
    /// One row of the table: a file, given whole or as a recipe for a long header.
    private struct Case: Decodable {
        /// Text and how often it comes; `#` in it is replaced by the number of the repetition.
        enum Part: Decodable {
            case text(String)
            case count(Int)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let count = try? container.decode(Int.self) {
                    self = .count(count)
                } else {
                    self = .text(try container.decode(String.self))
                }
            }
        }

        var id: String
        var expect: String
        var why: String
        var file_base64: String?
        var header: [[Part]]?
        var data_base64: String?

        func bytes() throws -> [UInt8] {
            if let text = file_base64 {
                return Array(try #require(Data(base64Encoded: text)))
            }
            var text = ""
            for part in try #require(header) {
                guard case .text(let piece) = part[0], case .count(let count) = part[1] else {
                    continue
                }
                for index in 0..<count {
                    text += piece.contains("#") ? piece.replacing("#", with: "\(index)") : piece
                }
            }
            let data = try #require(Data(base64Encoded: data_base64 ?? ""))
            return SafetensorsBytes.file(header: text, data: Array(data))
        }
    }

    /// Opens `bytes` as a file and reads every byte of every tensor.
    private func read(_ bytes: [UInt8]) throws -> Int {
        let folder = try TemporaryFolder()
        try folder.write("model.safetensors", bytes)
        let file = try SafetensorsFile(path: folder.path + "/model.safetensors")
        var sum = 0
        for name in file.names {
            let tensor = try file.tensor(named: name)
            #expect(tensor.bytes.count * 8 == tensor.count * tensor.dtype.bits)
            sum = tensor.bytes.reduce(sum) { $0 &+ Int($1) }
        }
        return sum
    }

    @Test func everyFileOfTheTableHasItsOutcome() throws {
        let lines = try Fixture.lines("models/safetensors_cases.jsonl")
        #expect(lines.count == 69)
        for line in lines {
            let row = try JSONDecoder().decode(Case.self, from: Data(line))
            let bytes = try row.bytes()
            switch row.expect {
            case "accept":
                #expect(throws: Never.self, "\(row.id): \(row.why)") { try read(bytes) }
            default:
                let error = #expect(throws: ModelError.self, "\(row.id): \(row.why)") {
                    try read(bytes)
                }
                let line = error?.description ?? ""
                #expect(line.contains("/model.safetensors: "), "\(row.id): \(line)")
                #expect(line.utf8.count < 1200 && !line.contains("\n"), "\(row.id)")
            }
        }
    }

    @Test func rejectsWhatOnlyTheReadmeForbids() throws {
        let tensor = #"{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#
        let empty = #"{"dtype":"F32","shape":[0],"data_offsets":[4,4]}"#
        let data: [UInt8] = [0, 0, 0, 0]
        for header in [
            " {\"t\":\(tensor)}", "{\"t\":\(tensor),\"t\":\(empty)}",
            "{\"t\":\(tensor),\"\\u0074\":\(empty)}",
        ] {
            #expect(throws: ModelError.self, "\(header)") {
                try read(SafetensorsBytes.file(header: header, data: data))
            }
        }
    }

    /// Composed and decomposed letters are two names, as they are two byte strings.
    @Test func tellsNamesApartByTheirBytes() throws {
        let bytes = SafetensorsBytes.zeros([("\u{e9}", [1]), ("e\u{301}", [2])])
        let folder = try TemporaryFolder()
        try folder.write("model.safetensors", bytes)
        let file = try SafetensorsFile(path: folder.path + "/model.safetensors")
        #expect(try file.tensor(named: "\u{e9}").shape == [1])
        #expect(try file.tensor(named: "e\u{301}").shape == [2])
    }

    @Test func everyTruncationIsRefused() throws {
        let bytes = SafetensorsBytes.zeros([("a", [2, 2]), ("b", [3])])
        _ = try read(bytes)
        for count in 0..<bytes.count {
            #expect(throws: ModelError.self, "\(count)") { try read(Array(bytes.prefix(count))) }
        }
        #expect(throws: ModelError.self) { try read(bytes + [0]) }
    }

    /// Whatever a changed byte makes of the header, reading stays inside the file.
    @Test func noChangedByteLeadsOutOfTheFile() throws {
        let original = SafetensorsBytes.zeros([("a", [2, 2]), ("b", [3])])
        let headerEnd = original.count - 28
        var generator = SplitMix(seed: 7)
        for position in 0..<headerEnd {
            for _ in 0..<4 {
                var bytes = original
                bytes[position] = UInt8.random(in: 0...255, using: &generator)
                _ = try? read(bytes)
            }
        }
    }

    /// Files that end where a page ends: one byte too far is a fault of the processor.
    @Test func readsNotAByteBeyondThePage() throws {
        let page = 4096
        let row = #"{"t":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}"#
        let data = [UInt8](repeating: 7, count: 16)
        let padding = String(repeating: " ", count: page - 8 - 16 - row.utf8.count - 1)
        let whole = SafetensorsBytes.file(header: row + "}" + padding, data: data)
        #expect(whole.count == page)
        #expect(try read(whole) == 16 * 7)
        // The same length, cut off in the middle of the header's text in every way.
        for length in [page, page - 8, page - 7, page - 9, 1, row.utf8.count] {
            var bytes = whole
            for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
            #expect(throws: ModelError.self, "\(length)") { try read(bytes) }
        }
        let open = SafetensorsBytes.file(
            header: row + String(repeating: " ", count: page - 8 - row.utf8.count))
        #expect(open.count == page)
        #expect(throws: ModelError.self) { try read(open) }
    }

    @Test func widensEveryFloatType() throws {
        let values: [Float] = [0, -0.0, 1, -2.5, 65504, 0.000061035156, .infinity]
        let halves = values.map { Float16($0).bitPattern }
        let brains = values.map { UInt16($0.bitPattern >> 16) }
        func bytes<Value: FixedWidthInteger>(_ patterns: [Value]) -> [UInt8] {
            patterns.flatMap { pattern in withUnsafeBytes(of: pattern.littleEndian, Array.init) }
        }
        let cases: [(String, [UInt8], [Float])] = [
            ("F32", bytes(values.map(\.bitPattern)), values),
            ("F16", bytes(halves), values),
            ("BF16", bytes(brains), brains.map { Float(bitPattern: UInt32($0) << 16) }),
        ]
        for (type, data, expected) in cases {
            // A header of odd length puts the elements at an odd address.
            for padding in ["", " ", "  "] {
                let header =
                    "{\"t\":{\"dtype\":\"\(type)\",\"shape\":[7],\"data_offsets\":[0,\(data.count)]}}"
                let folder = try TemporaryFolder()
                try folder.write(
                    "f", SafetensorsBytes.file(header: header + padding, data: data))
                let tensor = try SafetensorsFile(path: folder.path + "/f").tensor(named: "t")
                #expect(tensor.floats().map(\.bitPattern) == expected.map(\.bitPattern))
                var middle = [Float](repeating: 0, count: 3)
                middle.withUnsafeMutableBufferPointer { tensor.copyFloats(from: 2, into: $0) }
                #expect(middle == Array(expected[2..<5]))
            }
        }
    }

    @Test func noticesAFileThatIsWrittenTo() throws {
        let folder = try TemporaryFolder()
        try folder.write("f", SafetensorsBytes.zeros([("a", [2, 2])]))
        let file = try SafetensorsFile(path: folder.path + "/f")
        try file.checkUnchanged()
        #expect(truncate(folder.path + "/f", 8) == 0)
        #expect(throws: ModelError.self) { try file.checkUnchanged() }
    }

    @Test func opensRegularFilesOnly() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.path + "/fifo", 0o600) == 0)
        for name in ["missing", "fifo", "."] {
            let error = #expect(throws: ModelError.self) {
                try SafetensorsFile(path: folder.path + "/" + name)
            }
            #expect(error?.description.hasPrefix("\(folder.path)/\(name): ") == true)
        }
    }
}

/// A small generator with a seed, so that a failure can be repeated (Steele et al., 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
