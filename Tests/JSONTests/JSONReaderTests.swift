import FoundationEssentials
import JSON
import TestSupport
import Testing

struct JSONReaderTests {
    private struct Case: Decodable {
        var id: String
        var raw_base64: String
        var expect: String
    }

    private static func parses(_ bytes: [UInt8]) -> Bool {
        (try? JSONValue(parsing: bytes)) != nil
    }

    private static func skips(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader(bytes)
        do {
            try reader.skipValue()
            try reader.end()
            return true
        } catch {
            return false
        }
    }

    @Test func agreesWithTheJSONTestSuite() throws {
        let lines = try Fixture.lines("json/cases.jsonl")
        #expect(lines.count > 300)
        for line in lines {
            let row = try JSONDecoder().decode(Case.self, from: Data(line))
            let bytes = Array(try #require(Data(base64Encoded: row.raw_base64)))
            // Keys that occur twice are the one thing where we are stricter than the suite.
            let isDuplicate = row.id.contains("duplicated_key") || row.id.contains("same_key")
            switch row.expect {
            case "accept":
                #expect(isDuplicate ? Self.skips(bytes) : Self.parses(bytes), "\(row.id)")
            case "reject": #expect(!Self.parses(bytes) && !Self.skips(bytes), "\(row.id)")
            default: #expect(isDuplicate || Self.parses(bytes) == Self.skips(bytes), "\(row.id)")
            }
        }
    }

    @Test(arguments: [("[", 100_000), ("[{\"a\":", 50_000), ("{\"a\":", 1000)])
    func refusesDeepNesting(unit: String, count: Int) {
        #expect(!Self.parses(Array(String(repeating: unit, count: count).utf8)))
        #expect(!Self.skips(Array(String(repeating: unit, count: count).utf8)))
    }

    @Test func takesNestingUpToItsLimit() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(Self.parses(nested(64)))
        #expect(!Self.parses(nested(65)))
    }

    @Test(
        arguments: [
            (#""a\u0000b""#, "a\u{0}b"), (#""\ud83d\ude00""#, "😀"), (#""\/\b\f""#, "/\u{8}\u{c}"),
            (#""e\u0301""#, "e\u{301}"), (#""é""#, "é"), (#""""#, ""),
        ])
    func resolvesEscapes(json: String, text: String) throws {
        var reader = JSONReader(Array(json.utf8))
        let read = try reader.readString()
        #expect(read.unicodeScalars.elementsEqual(text.unicodeScalars))
        try reader.end()
    }

    @Test(
        arguments: [
            (#"{"a":1,"a":2}"#, "the key 'a' is there twice"), (#"["\ud800"]"#, "surrogate"),
            (#"["\ud800\u0041"]"#, "surrogate"), (#"["\udc00"]"#, "surrogate"),
            ("[1,]", "a value is expected"), ("{\"a\":1,}", "a key in quotes"),
            ("[01]", "',' or ']'"),
            ("[+1]", "a value is expected"), ("\u{FEFF}[]", "a value is expected"),
            ("[1] 2", "follows"),
            ("", "a value is missing"), ("{\"a\" 1}", "a ':' is missing"),
            ("nul", "null is expected"),
        ])
    func namesTheProblem(json: String, problem: String) {
        #expect {
            _ = try JSONValue(parsing: Array(json.utf8))
        } throws: { error in
            (error as? JSONError)?.problem.contains(problem) == true
        }
    }

    @Test func canonicallyEquivalentKeysAreTwo() throws {
        let object = try JSONValue(parsing: Array("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8)).object
        #expect(object?["\u{E9}"]?.int == 1)
        #expect(object?["e\u{301}"]?.int == 2)
    }

    @Test(
        arguments: [
            ("1", 1), ("-7", -7), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
            ("1.0", nil), ("1e2", nil), ("-0", nil),
        ] as [(String, Int?)])
    func readsWholeNumbersExactly(json: String, int: Int?) throws {
        #expect(try JSONValue(parsing: Array(json.utf8)).int == int)
    }
}
