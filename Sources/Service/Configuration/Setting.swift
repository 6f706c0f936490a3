import Platform

/// One thing that an operator can set, under one name in three spellings.
///
/// `served-model-name` is the flag `--served-model-name`, the variable `QUIVER_SERVED_MODEL_NAME` and
/// the key `served-model-name` of the configuration file.
package struct Setting: Sendable {
    /// The name, in lower case with hyphens.
    package let name: String
    /// What it is for, and its unit.
    package let summary: String
    /// Whether it may be given more than once: flags repeat, variables have commas, files have lists.
    package let isList: Bool

    /// Reads the values into the configuration.
    let apply: @Sendable ([String], inout ServiceConfiguration) throws(SettingProblem) -> Void

    /// The name of the environment's variable.
    package var variable: String {
        "QUIVER_" + name.uppercased().split(separator: "-").joined(separator: "_")
    }
}

/// Why a value does not fit its setting: what is expected.
struct SettingProblem: Error {
    var expected: String
}

extension Setting {
    /// A text; must not be empty.
    static func text(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, String?> & Sendable,
        _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            if value.isEmpty { throw SettingProblem(expected: "a text that is not empty") }
            configuration[keyPath: path] = value
        }
    }

    /// One word of a few.
    static func choice(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, String> & Sendable,
        of words: [String], _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            guard words.contains(value) else {
                throw SettingProblem(expected: "one of " + words.joined(separator: ", "))
            }
            configuration[keyPath: path] = value
        }
    }

    /// A whole number in a range.
    static func number(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, Int> & Sendable,
        in range: ClosedRange<Int>, _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            configuration[keyPath: path] = try whole(value, in: range)
        }
    }

    /// A whole number in a range, or `auto` to leave it to the program.
    static func number(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, Int?> & Sendable,
        orAutoIn range: ClosedRange<Int>, _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            configuration[keyPath: path] = value == "auto" ? nil : try whole(value, in: range)
        }
    }

    /// A length of time in seconds, with decimals if wanted.
    static func seconds(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, TimeSpan> & Sendable,
        in range: ClosedRange<Double>, _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            let isDecimal = value.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
            guard isDecimal, let seconds = Double(value), range.contains(seconds) else {
                let bounds = "\(plain(range.lowerBound)) to \(plain(range.upperBound))"
                throw SettingProblem(expected: "a number of seconds from \(bounds)")
            }
            configuration[keyPath: path] = .seconds(seconds)
        }
    }

    /// `true` or `false`.
    static func flag(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, Bool> & Sendable,
        _ summary: String
    ) -> Setting {
        single(name, summary) { value, configuration throws(SettingProblem) in
            switch value {
            case "true": configuration[keyPath: path] = true
            case "false": configuration[keyPath: path] = false
            default: throw SettingProblem(expected: "true or false")
            }
        }
    }

    /// Several texts; none may be empty.
    static func list(
        _ name: String, _ path: any WritableKeyPath<ServiceConfiguration, [String]> & Sendable,
        _ summary: String
    ) -> Setting {
        several(name, summary) { values, configuration throws(SettingProblem) in
            if values.isEmpty || values.contains("") {
                throw SettingProblem(expected: "texts that are not empty")
            }
            configuration[keyPath: path] = values
        }
    }

    static func several(
        _ name: String, _ summary: String,
        apply:
            @escaping @Sendable ([String], inout ServiceConfiguration) throws(SettingProblem) ->
            Void
    ) -> Setting {
        Setting(name: name, summary: summary, isList: true, apply: apply)
    }

    static func single(
        _ name: String, _ summary: String,
        apply:
            @escaping @Sendable (String, inout ServiceConfiguration) throws(SettingProblem) -> Void
    ) -> Setting {
        Setting(name: name, summary: summary, isList: false) {
            (values, configuration) throws(SettingProblem) in
            guard let value = values.first, values.count == 1 else {
                throw SettingProblem(expected: "one value, not a list of \(values.count)")
            }
            try apply(value, &configuration)
        }
    }

    private static func plain(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? String(number)
    }

    /// Decimal digits only: `Int` alone would take `+5`.
    private static func whole(
        _ text: String, in range: ClosedRange<Int>
    ) throws(SettingProblem) -> Int {
        let isDecimal = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
        guard isDecimal, let number = Int(text), range.contains(number) else {
            throw SettingProblem(
                expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
