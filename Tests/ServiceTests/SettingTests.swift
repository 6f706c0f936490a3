import Platform
import Service
import TestSupport
import Testing

/// Flags over environment over file over defaults, and what is said about values that do not fit.
struct SettingTests {
    private func merge(
        flags: [String: [String]] = [:], environment: [String: String] = [:], file: String? = nil
    ) throws(ConfigurationError) -> ServiceConfiguration {
        var parsed: ConfigurationFile?
        if let file { parsed = try ConfigurationFile(path: "q.yaml", text: Array(file.utf8)) }
        return try ServiceConfiguration.merging(
            flags: flags, environment: environment, file: parsed)
    }

    private func message(
        flags: [String: [String]] = [:], environment: [String: String] = [:], file: String? = nil
    ) -> String? {
        do {
            _ = try merge(flags: flags, environment: environment, file: file)
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Precedence

    @Test func nothingGivesTheDefaults() throws {
        #expect("\(try merge())" == "\(ServiceConfiguration())")
    }

    @Test func flagsWinOverEnvironmentOverFile() throws {
        let file = "port: 1\nhost: f\nmodel: f\ndtype: int8\n"
        let environment = ["QUIVER_PORT": "2", "QUIVER_HOST": "e", "QUIVER_MODEL": "e"]
        let merged = try merge(
            flags: ["port": ["3"], "host": ["g"], "threads": []], environment: environment,
            file: file)
        #expect(merged.port == 3)
        #expect(merged.host == "g")
        #expect(merged.modelFolders == ["e"])
        #expect(merged.dtype == "int8")
        #expect(merged.threads == nil)
        #expect(try merge(environment: environment, file: file).port == 2)
        #expect(try merge(file: file).port == 1)
    }

    @Test func listsReplaceEachOther() throws {
        let file = "served-model-name: [a, b]\n"
        #expect(try merge(file: file).servedModelNames == ["a", "b"])
        #expect(try merge(file: "served-model-name: a\n").servedModelNames == ["a"])
        let environment = ["QUIVER_SERVED_MODEL_NAME": "c,d e,f"]
        #expect(
            try merge(environment: environment, file: file).servedModelNames == ["c", "d e", "f"])
        let flags = ["served-model-name": ["x,y", "z"]]
        #expect(
            try merge(flags: flags, environment: environment, file: file).servedModelNames
                == ["x,y", "z"])
    }

    @Test func autoUndoesASourceBelow() throws {
        let merged = try merge(
            flags: ["threads": ["auto"]], environment: ["QUIVER_THREADS": "4"],
            file: "max-connections: 9\n")
        #expect(merged.threads == nil)
        #expect(merged.connectionsMaximum == 9)
    }

    @Test func foreignVariablesDoNotCount() throws {
        let environment = [
            "PORT": "1", "quiver_port": "2", "XQUIVER_PORT": "3", "QUIVER_CONFIG": "/x",
            "QUIVER_TEST_MODEL": "/y",
        ]
        #expect(try merge(environment: environment).port == ServiceConfiguration().port)
    }

    // MARK: Values

    @Test func readsEveryKindOfValue() throws {
        let merged = try merge(flags: [
            "truncate": ["false"], "idle-timeout": ["1.5"], "shutdown-grace": ["0"],
            "header-timeout": [".5"], "max-body-bytes": ["1073741824"], "log-format": ["json"],
            "tls-cert": ["c.pem"], "tls-key": ["k.pem"], "tls-client-ca": ["a.pem"],
        ])
        #expect(!merged.truncate)
        #expect(merged.idleTimeout == .milliseconds(1500))
        #expect(merged.shutdownGrace == .zero)
        #expect(merged.headerTimeout == .milliseconds(500))
        #expect(merged.bodyBytesMaximum == 1 << 30)
        #expect(merged.logFormat == "json")
        #expect(merged.tlsCertificate == "c.pem")
        #expect(merged.tlsKey == "k.pem")
        #expect(merged.tlsClientAuthority == "a.pem")
    }

    @Test(arguments: [
        ("port", "65536", "a whole number from 0 to 65535"),
        ("port", "-1", "a whole number from 0 to 65535"),
        ("port", "+1", "a whole number from 0 to 65535"),
        ("port", "", "a whole number from 0 to 65535"),
        ("port", "80.0", "a whole number from 0 to 65535"),
        ("port", "٣", "a whole number from 0 to 65535"),
        ("port", "99999999999999999999", "a whole number from 0 to 65535"),
        ("threads", "0", "a whole number from 1 to 1024"),
        ("threads", "Auto", "a whole number from 1 to 1024"),
        ("dtype", "fp16", "one of auto, float32, bfloat16, int8"),
        ("log-level", "INFO", "one of debug, info, warning, error"),
        ("truncate", "yes", "true or false"),
        ("idle-timeout", "0", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", "5s", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", "inf", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", "nan", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", "1e3", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", ".", "a number of seconds from 0.1 to 86400"),
        ("idle-timeout", "", "a number of seconds from 0.1 to 86400"),
        ("model", "", "a text that is not empty"),
        ("host", "", "an IP address or host name"),
    ])
    func saysWhatAValueMustBe(name: String, value: String, expected: String) throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        #expect(
            message(flags: [name: [value]]) == "--\(name) is '\(value)', but must be \(expected)")
        #expect(
            message(environment: [setting.variable: value])
                == "\(setting.variable) is '\(value)', but must be \(expected)")
        #expect(
            message(file: "\n\(name): '\(value)'\n")
                == "q.yaml:2: '\(name)' is '\(value)', but must be \(expected)")
    }

    @Test func oneValueIsOneValue() {
        #expect(
            message(file: "port: [1, 2]\n")
                == "q.yaml:1: 'port' is a list of 2, but must be one value, not a list of 2")
        #expect(
            message(file: "port: []\n")
                == "q.yaml:1: 'port' is a list of 0, but must be one value, not a list of 0")
        #expect(
            message(environment: ["QUIVER_SERVED_MODEL_NAME": "a,,b"])
                == "QUIVER_SERVED_MODEL_NAME is a list of 3, but must be texts that are not empty")
    }

    @Test(arguments: [
        ("prot", "; did you mean 'port'?"), ("idle_timeout", "; did you mean 'idle-timeout'?"),
        ("Port", "; did you mean 'port'?"), ("something", ""), ("", ""),
    ])
    func unknownKeysAreErrors(key: String, hint: String) {
        #expect(message(file: "'\(key)': 1\n") == "q.yaml:1: unknown key '\(key)'" + hint)
    }

    @Test func unknownVariablesAreErrors() {
        #expect(
            message(environment: ["QUIVER_PROT": "1"])
                == "unknown environment variable QUIVER_PROT")
    }

    // MARK: Relations

    @Test func aModelIsAllThatIsNeeded() throws {
        try merge(flags: ["model": ["m"]]).validate()
        #expect(throws: ConfigurationError.self) { try merge().validate() }
    }

    @Test(
        arguments: [
            (["tls-cert": ["c"]], "tls-cert and tls-key"),
            (["tls-key": ["k"]], "tls-cert and tls-key"),
            (["tls-client-ca": ["a"]], "tls-client-ca"),
            (["hsts-max-age": ["1"]], "hsts-max-age"),
            (["queue-tokens": ["127"], "batch-tokens": ["128"]], "queue-tokens (127)"),
            (["drain-delay": ["31"], "shutdown-grace": ["30"]], "drain-delay"),
        ] as [([String: [String]], String)])
    func settingsThatContradictAreErrors(flags: [String: [String]], begin: String) throws {
        let merged = try merge(flags: flags.merging(["model": ["m"]]) { $1 })
        #expect { try merged.validate() } throws: {
            ($0 as? ConfigurationError)?.description.hasPrefix(begin) == true
        }
    }

    // MARK: The table

    @Test func namesAreUniqueAndSpelledOneWay() {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            let isPlain = setting.name.utf8.allSatisfy {
                (97...122).contains($0) || $0 == UInt8(ascii: "-")
            }
            #expect(isPlain, "\(setting.name)")
            #expect(!setting.summary.isEmpty && !setting.summary.hasSuffix("."))
        }
        #expect(Setting.all.first?.variable == "QUIVER_MODEL")
        #expect(
            Setting.all.contains { $0.variable == "QUIVER_SERVED_MODEL_NAME" && $0.isList })
    }

    /// `config/quiver.yaml` shows every setting once, in the table's order, with its default.
    @Test func theExampleFileShowsEveryDefault() throws {
        let text = try Fixture.bytes("../../config/quiver.yaml")
        let file = try ConfigurationFile(path: "quiver.yaml", text: text)
        var merged = try ServiceConfiguration.merging(flags: [:], environment: [:], file: file)
        merged.given = [:]
        #expect("\(merged)" == "\(ServiceConfiguration())")

        let keys = String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
            let rest = line.hasPrefix("# ") ? line.dropFirst(2) : line
            let key = rest.prefix { $0 == "-" || ("a"..."z").contains($0) }
            return !key.isEmpty && rest.dropFirst(key.count).hasPrefix(": ") ? String(key) : nil
        }
        #expect(keys == Setting.all.map(\.name))
    }
}
