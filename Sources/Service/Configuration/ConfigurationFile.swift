/// The entries of a YAML configuration file: one mapping from names to scalars or lists of scalars.
///
/// Parsed by libyaml, the reference implementation of YAML 1.1. Only what a flat list of settings
/// needs is taken, and the list `models` of such lists; anything deeper is an error that names the
/// line.
package struct ConfigurationFile: Sendable {
    /// One `key: value` of the file.
    package struct Entry: Equatable, Sendable {
        package var key: String
        package var values: [String]
        /// The elements of the list `models`.
        package var mappings: [[Entry]] = []
        /// The key's line, from 1.
        package var line: Int
    }

    /// The one key whose list holds mappings.
    static let listKey = "models"

    /// The file's path, for messages.
    package let path: String
    package let entries: [Entry]

    /// Parses the text of a file.
    ///
    /// - Throws: ``ConfigurationError`` that names the file, the line and the problem.
    package init(path: String, text: [UInt8]) throws(ConfigurationError) {
        self.path = path
        var reader = YAMLEvents(text: text)
        defer { reader.end() }
        do throws(YAMLEvents.Problem) {
            entries = try Self.entries(from: &reader)
        } catch {
            throw ConfigurationError("\(path):\(error.line): \(error.message)")
        }
    }

    private static func entries(
        from reader: inout YAMLEvents
    ) throws(YAMLEvents.Problem) -> [Entry] {
        guard try reader.next() != .end else { return [] }
        guard reader.current == .mappingStart else {
            throw reader.problem("the file must be a mapping of names to values")
        }
        let entries = try mapping(from: &reader)
        guard try reader.next() == .end else {
            throw reader.problem("only one document is expected")
        }
        return entries
    }

    /// The entries of a mapping that has begun.
    private static func mapping(
        from reader: inout YAMLEvents
    ) throws(YAMLEvents.Problem) -> [Entry] {
        var entries: [Entry] = []
        while try reader.next() != .mappingEnd {
            guard case .scalar(let key) = reader.current else {
                throw reader.problem("a key must be a plain name")
            }
            let line = reader.line
            if entries.contains(where: { $0.key == key }) {
                throw reader.problem("'\(key)' is there twice")
            }
            var entry = Entry(key: key, values: [], line: line)
            try readValue(into: &entry, &reader)
            entries.append(entry)
        }
        return entries
    }

    private static func readValue(
        into entry: inout Entry, _ reader: inout YAMLEvents
    ) throws(YAMLEvents.Problem) {
        switch try reader.next() {
        case .scalar(let value):
            entry.values = [value]
        case .sequenceStart:
            while try reader.next() != .sequenceEnd {
                switch reader.current {
                case .scalar(let value):
                    entry.values.append(value)
                case .mappingStart where entry.key == listKey:
                    entry.mappings.append(try mapping(from: &reader))
                default:
                    throw reader.problem(
                        "the list of '\(entry.key)' may only hold "
                            + (entry.key == listKey ? "mappings" : "plain values"))
                }
            }
        default:
            throw reader.problem(
                "'\(entry.key)' must be "
                    + (entry.key == listKey
                        ? "a list of mappings" : "a plain value or a list of plain values"))
        }
    }
}
