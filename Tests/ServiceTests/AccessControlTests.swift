import Glibc
import HTTPWire
import Platform
import Service
import Testing

/// Who is let in, by what they show.
struct AccessControlTests {
    // MARK: What a request shows

    private func fields(_ lines: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in lines { fields.append(name, value) }
        return fields
    }

    @Test(
        arguments: [
            ([], nil), ([("authorization", "Bearer abc")], "abc"),
            ([("Authorization", "bEARER   a/b+c._~-==")], "a/b+c._~-=="),
            ([("X-API-Key", "abc")], "abc"),
            ([("authorization", "Basic eDp5"), ("x-api-key", "abc")], "abc"),
            ([("authorization", "Bearer abc"), ("x-api-key", "def")], "abc"),
        ] as [([(String, String)], String?)])
    func readsTheKey(lines: [(String, String)], key: String?) {
        let expected = key.map { Credential.key(Array($0.utf8)[...]) } ?? .none
        #expect(Credential(fields(lines)) == expected)
    }

    @Test(
        arguments: [
            [("authorization", "Bearer")], [("authorization", "Bearer ")],
            [("authorization", "Bearerabc")], [("authorization", "abc")], [("authorization", "")],
            [("authorization", "Basic eDp5")], [("authorization", "Bearer a b")],
            [("authorization", "Bearer é")], [("x-api-key", "")], [("x-api-key", "a b")],
            [("x-api-key", "abc"), ("x-api-key", "abc")],
            [("authorization", "Bearer "), ("x-api-key", "abc")],
            [("authorization", "Bearer " + String(repeating: "a", count: 513))],
        ] as [[(String, String)]])
    func whatCannotBeAKeyIsNone(lines: [(String, String)]) {
        #expect(Credential(fields(lines)) == .malformed)
    }

    // MARK: The file

    /// A file of its own, removed with the value.
    private final class KeyPath {
        let path = "/tmp/quiver-keys-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        deinit { unlink(path) }

        func write(_ text: String) throws {
            let temporary = path + ".new"
            let file = try #require(fopen(temporary, "w"))
            fputs(text, file)
            fclose(file)
            #expect(rename(temporary, path) == 0)
        }
    }

    private func line(_ key: String, _ rest: String) throws -> String {
        try #require(KeyDigest(of: key.utf8)).hexadecimal + " " + rest + "\n"
    }

    private func shown(_ key: String) -> HTTPFields { fields([("authorization", "Bearer \(key)")]) }

    @Test func letsInWhoHasAKey() throws {
        let file = KeyPath()
        try file.write(
            line("first", "alice") + line("second", "bob expires=1970-01-12T13:46:40Z"))
        let access = try AccessControl(keyFile: file.path, metrics: AccessMetrics())
        #expect(try access.key(of: shown("first"))?.name == "alice")
        #expect(try access.key(of: shown("second"), atSeconds: 999_999)?.name == "bob")
        let refused = [
            #expect(throws: APIError.self) {
                try access.key(of: shown("second"), atSeconds: 1_000_000)
            },
            #expect(throws: APIError.self) { try access.key(of: shown("third")) },
            #expect(throws: APIError.self) { try access.key(of: shown("firs")) },
        ]
        // Whoever tries keys learns nothing from the answer.
        #expect(Set(refused.map { $0?.body }).count == 1)
        for error in refused {
            #expect(error?.status.code == 401)
            #expect(error?.challenge == #"Bearer realm="quiver", error="invalid_token""#)
        }
        let silent = #expect(throws: APIError.self) { try access.key(of: fields([])) }
        #expect(silent?.status.code == 401 && silent?.code == .invalidAPIKey)
        #expect(silent?.challenge == #"Bearer realm="quiver""#)
    }

    @Test func withoutAFileNobodyIsAsked() throws {
        let access = try AccessControl(keyFile: nil, metrics: AccessMetrics())
        #expect(!access.asksForKeys)
        #expect(try access.key(of: shown("anything")) == nil)
    }

    @Test func aBadFileAtTheStartIsNamed() throws {
        let file = KeyPath()
        try file.write("alice secret\n")
        for path in [file.path, "/nowhere/keys"] {
            let error = #expect(throws: StartError.self) {
                try AccessControl(keyFile: path, metrics: AccessMetrics())
            }
            #expect(error?.description.contains(path) == true)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test func aNewFileIsSeenAndABadOneKeepsTheOldKeys() throws {
        let file = KeyPath()
        try file.write(line("first", "alice"))
        let keys = try KeyFile(path: file.path)
        #expect(!keys.hasChanged)
        try file.write(line("second", "bob"))
        #expect(keys.hasChanged)
        #expect(try keys.reload().keys.map(\.name) == ["bob"])
        #expect(!keys.hasChanged)
        for bad in ["", "nonsense", "\u{0}"] {
            try file.write(bad)
            #expect(keys.hasChanged)
            #expect(throws: KeyRing.Problem.self) { try keys.reload() }
            // Not tried again until it changes once more.
            #expect(!keys.hasChanged)
            #expect(keys.ring.keys.map(\.name) == ["bob"])
        }
        unlink(file.path)
        #expect(keys.hasChanged)
        #expect(throws: KeyRing.Problem.self) { try keys.reload() }
        #expect(!keys.hasChanged)
        #expect(keys.ring.keys.map(\.name) == ["bob"])
    }

    // MARK: Making keys

    @Test func aMadeKeyOpensWithItsLine() throws {
        var grant = KeyGenerator.Grant(name: "alice")
        grant.expires = "2027-01-31"
        grant.tokensPerMinute = "5000"
        grant.priority = "bulk"
        let made = try KeyGenerator(grant)
        #expect(made.key.hasPrefix("sk-") && made.key.utf8.count == 46)
        #expect(try KeyGenerator(grant).key != made.key)
        let ring = try KeyRing(parsing: Array(made.line.utf8))
        let digest = try #require(KeyDigest(of: made.key.utf8))
        let key = try #require(ring.key(for: digest))
        #expect(key.name == "alice" && key.tokensPerMinute == 5000 && key.priority == .bulk)
        #expect(key.expiresAtSeconds == CalendarTime.seconds(of: "2027-01-31"))
        #expect(!made.line.contains(made.key.dropFirst(3)))
    }

    @Test func appendsToAFile() throws {
        let file = KeyPath()
        let first = try KeyGenerator(.init(name: "alice"))
        try first.append(to: file.path)
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        try file.write(first.line)  // Without a newline at its end.
        try KeyGenerator(.init(name: "bob")).append(to: file.path)
        #expect(try KeyFile(path: file.path).ring.keys.map(\.name) == ["alice", "bob"])
        #expect(throws: StartError.self) { try first.append(to: file.path) }
        #expect(throws: StartError.self) {
            try KeyGenerator(.init(name: "carol")).append(to: "/nowhere/keys")
        }
        #expect(try KeyFile(path: file.path).ring.keys.count == 2)
    }

    @Test(arguments: ["", "a b", "-a", "é", String(repeating: "a", count: 65)])
    func refusesNames(name: String) {
        #expect(throws: StartError.self) { try KeyGenerator(.init(name: name)) }
    }

    @Test(arguments: ["", "short", "with space in the key", String(repeating: "a", count: 513)])
    func refusesKeysOfOthersThatCannotBeSent(key: String) {
        #expect(throws: StartError.self) {
            try KeyGenerator(.init(name: "alice"), existingKey: key)
        }
    }

    @Test func refusesGrantsThatTheFileWouldNotTake() {
        for (path, value) in [
            (\KeyGenerator.Grant.expires, "tomorrow"), (\.tokensPerMinute, "0"),
            (\.priority, "high"),
        ] {
            var grant = KeyGenerator.Grant(name: "alice")
            grant[keyPath: path] = value
            #expect(throws: StartError.self) { try KeyGenerator(grant) }
        }
    }
}
