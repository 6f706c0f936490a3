import Service
import TestSupport
import Testing

/// YAML files of settings: what is taken, and which line is named when something is not.
struct ConfigurationFileTests {
    private func parse(_ text: String) throws(ConfigurationError) -> [ConfigurationFile.Entry] {
        try ConfigurationFile(path: "q.yaml", text: Array(text.utf8)).entries
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n", "{}", "%YAML 1.1\n---\n{}\n"])
    func anEmptyFileHasNoEntries(text: String) throws {
        #expect(try parse(text) == [])
    }

    @Test(
        arguments: [
            ("port: 80", ["80"]), ("port: '80'", ["80"]), ("port: \"8\\x30\"", ["80"]),
            ("port:   80   # a comment", ["80"]), ("port: 8#0", ["8#0"]), ("port:", [""]),
            ("port: ''", [""]), ("port: ~", ["~"]), ("port: true", ["true"]),
            ("port: 1_000", ["1_000"]),
            ("port: a: b", nil), ("port: [a, 'b c', \"d\"]", ["a", "b c", "d"]), ("port: []", []),
            ("port:\n  - a\n  - b", ["a", "b"]), ("port:\n- a", ["a"]),
            ("port: >-\n  a\n  b\n", ["a b"]), ("port: |-\n  a\n  b\n", ["a\nb"]),
            ("{port: 80}", ["80"]), ("\"port\": 80", ["80"]), ("? port\n: 80", ["80"]),
            ("\u{FEFF}port: 80", ["80"]), ("port: 80\r\n", ["80"]), ("port: é😀", ["é😀"]),
            ("port: !!str 80", ["80"]),
        ] as [(String, [String]?)])
    func readsValues(text: String, values: [String]?) throws {
        guard let values else {
            #expect(throws: ConfigurationError.self) { try parse(text) }
            return
        }
        let entries = try parse(text)
        #expect(entries.map(\.key) == ["port"])
        #expect(entries.map(\.values) == [values])
        #expect(entries.map(\.line) == [1])
    }

    @Test func keepsOrderAndLines() throws {
        let entries = try parse("# c\n\nb: 1\na:\n  - x\n  - y\n\nc: 3\n")
        #expect(entries.map(\.key) == ["b", "a", "c"])
        #expect(entries.map(\.line) == [3, 4, 8])
    }

    @Test(arguments: [
        ("- a\n", "q.yaml:1: the file must be a mapping of names to values"),
        ("just text", "q.yaml:1: the file must be a mapping of names to values"),
        ("a: 1\nb: 2\na: 3\n", "q.yaml:3: 'a' is there twice"),
        ("a: 1\nb:\n  c: 2\n", "q.yaml:3: 'b' must be a plain value or a list of plain values"),
        ("a:\n- x\n- [y]\n", "q.yaml:3: the list of 'a' may only hold plain values"),
        ("[a, b]: 1\n", "q.yaml:1: a key must be a plain name"),
        ("a: &x 1\nb: *x\n", "q.yaml:2: aliases are not supported"),
        ("a: 1\n---\nb: 2\n", "q.yaml:3: only one document is expected"),
    ])
    func namesTheLineOfWhatItCannotUse(text: String, message: String) {
        #expect(throws: ConfigurationError(message)) { try parse(text) }
    }

    @Test(arguments: [
        "a: [1", "a: 'x", "a: \"\\q\"", "a:\n\t- b", "a: 1\n b: 2", "{a: 1", "a: %x", "a: @x",
        "a: `x`", "%YAML 9.0\n---\na: 1", "a: \u{1}",
    ])
    func saysWhereTheSyntaxIsWrong(text: String) {
        #expect {
            try parse(text)
        } throws: { ($0 as? ConfigurationError)?.description.hasPrefix("q.yaml:") == true }
    }

    @Test func bytesThatAreNotUTF8AreAnError() {
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile(path: "q.yaml", text: Array("a: ".utf8) + [0xFF, 0x0A])
        }
    }

    /// Any bytes give entries or an error, and never a trap.
    @Test func survivesBrokenFiles() throws {
        let whole = try Fixture.bytes("../../config/quiver.yaml").suffix(1500)
        var random = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            var text = Array(whole)
            for _ in 0..<4 {
                let place = Int.random(in: text.indices, using: &random)
                text[place] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? ConfigurationFile(path: "q.yaml", text: text)
        }
    }
}
