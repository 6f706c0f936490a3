import Batching
import Service
import TestSupport
import Testing

/// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
private let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/// SHA-256 of nothing.
private let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/// The key file's lines, and the search among keys.
struct KeyRingTests {
    @Test func digestsAreSHA256() {
        #expect(KeyDigest(of: "abc".utf8)?.hexadecimal == abc)
        #expect(KeyDigest(of: "".utf8)?.hexadecimal == empty)
        #expect(KeyDigest(hexadecimal: abc.uppercased()) == KeyDigest(of: "abc".utf8))
    }

    @Test(arguments: [
        "", "ba78", abc + "0", String(abc.dropLast()) + "g", String(abc.dropLast()) + "é",
    ])
    func otherDigitsAreNoDigest(text: String) {
        #expect(KeyDigest(hexadecimal: text) == nil)
    }

    @Test func equalityIsTrueForEqualDigestsAlone() throws {
        let digest = try #require(KeyDigest(hexadecimal: abc))
        #expect(digest.equality(with: digest) == .max)
        for index in 0..<64 {
            var digits = Array(abc)
            digits[index] = digits[index] == "0" ? "8" : "0"
            let other = try #require(KeyDigest(hexadecimal: String(digits)))
            #expect(digest.equality(with: other) == 0, "digit \(index)")
        }
    }

    @Test(
        arguments: [
            ("\(abc)", "key-ba7816bf", nil, nil, .interactive),
            ("\(abc) alice", "alice", nil, nil, .interactive),
            ("alice \(abc)", "alice", nil, nil, .interactive),
            ("\(abc)  -", "key-ba7816bf", nil, nil, .interactive),
            ("\t\(abc)\ta.b-c_d@e9 # of the batch job\r", "a.b-c_d@e9", nil, nil, .interactive),
            ("\(abc) a expires=1970-01-02", "a", 86_400, nil, .interactive),
            (
                "priority=bulk expires=2027-01-31T12:00:01Z tokens-per-minute=1000 \(abc) a", "a",
                1_801_396_801, 1000, .bulk
            ),
            (
                "\(abc) tokens-per-minute=1000000000 priority=interactive", "key-ba7816bf", nil,
                1_000_000_000, .interactive
            ),
        ] as [(String, String, Int?, Int?, Priority)])
    func readsALine(
        line: String, name: String, expires: Int?, quota: Int?, priority: Priority
    ) throws {
        let ring = try KeyRing(parsing: Array("# comment\n\n\(line)\n \n".utf8))
        let key = try #require(ring.keys.first)
        #expect(ring.keys.count == 1)
        #expect(key.name == name)
        #expect(key.expiresAtSeconds == expires)
        #expect(key.tokensPerMinute == quota)
        #expect(key.priority == priority)
        // What the program writes is what it reads.
        #expect(try KeyRing(parsing: Array(key.line.utf8)).keys == [key])
    }

    @Test(arguments: [
        "", "\n\n# nothing\n", "alice", "sk-secret-secret", "alice sk-secret-secret",
        "\(abc) \(empty)", "\(abc) alice sk-secret-secret", "\(abc) -alice", "\(abc) al/ice",
        "\(abc) é", "\(abc) a expires=2027-02-29", "\(abc) a expires=soon", "\(abc) a expires=",
        "\(abc) a expires=2027-01-01 expires=2027-01-01", "\(abc) a tokens-per-minute=0",
        "\(abc) a tokens-per-minute=+5", "\(abc) a tokens-per-minute=1000000001",
        "\(abc) a priority=high", "\(abc) a sk-secret-secret=1", "\(abc) a\n\(abc) b",
        "\(abc) a\n\(empty) a priority=bulk", "\(abc) a\n\(empty) a tokens-per-minute=5",
        "\(String(repeating: "n", count: 65)) \(abc)", "\u{0}\(abc)",
    ])
    func refusesAFileWithoutQuotingIt(text: String) {
        let problem = #expect(throws: KeyRing.Problem.self) {
            try KeyRing(parsing: Array(text.utf8))
        }
        #expect(problem?.description.contains("secret") == false)
        #expect(problem?.description.contains("\n") == false)
    }

    @Test func namesTheLine() {
        let text = "# one\n\(abc) a\nsk-x\n"
        let problem = #expect(throws: KeyRing.Problem.self) {
            try KeyRing(parsing: Array(text.utf8))
        }
        #expect(problem?.description.hasPrefix("line 3: ") == true)
    }

    @Test func severalKeysMayShareAName() throws {
        let ring = try KeyRing(
            parsing: Array("\(abc) a expires=2030-01-01\n\(empty) a".utf8))
        #expect(ring.keys.map(\.name) == ["a", "a"])
    }

    @Test func findsEachKeyAndNoOther() throws {
        var generator = SplitMix64(seed: 11)
        let secrets = (0..<300).map { _ in String(generator.next() as UInt64, radix: 36) }
        let digests = try secrets.map { try #require(KeyDigest(of: $0.utf8)) }
        let lines = digests.enumerated().map { "\($1.hexadecimal) client-\($0)" }
        let ring = try KeyRing(parsing: Array(lines.joined(separator: "\n").utf8))
        for (index, digest) in digests.enumerated() {
            #expect(ring.key(for: digest)?.name == "client-\(index)")
        }
        for secret in secrets {
            let other = try #require(KeyDigest(of: (secret + "x").utf8))
            #expect(ring.key(for: other) == nil)
        }
    }

    // MARK: Times

    @Test(arguments: [
        ("1970-01-01", 0), ("1972-02-29", 68_169_600), ("2000-02-29T23:59:59Z", 951_868_799),
        ("2026-11-24T00:00:00Z", 1_795_478_400), ("2100-03-01", 4_107_542_400),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func readsTimes(text: String, seconds: Int) {
        #expect(CalendarTime.seconds(of: text) == seconds)
        let full = text.contains("T") ? text : text + "T00:00:00Z"
        #expect(CalendarTime.text(seconds: seconds) == full)
    }

    @Test(arguments: [
        "", "2027", "2027-1-1", "2027-13-01", "2027-00-01", "2027-04-31", "2100-02-29",
        "1969-12-31", "2027-01-01T", "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z",
        "2027-01-01T00:00:60Z", "2027-01-01 00:00:00Z", "2027-01-01T00:00:00z", "2027/01/01",
        "2027-01-0é",
    ])
    func refusesOtherTimes(text: String) {
        #expect(CalendarTime.seconds(of: text) == nil)
    }
}
