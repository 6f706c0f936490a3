/// The entries of a YAML configuration file: one mapping from names to scalars or lists of scalars.
///
/// Parsed by libyaml, the reference implementation of YAML 1.1. Only what a flat list of settings
/// needs is taken; anything deeper is an error that names the line.
package struct ConfigurationFile: Sendable {
    /// One `key: value` of the file.
    package struct Entry: Equatable, Sendable {
        package var key: String
        package var values: [String]
        /// The key's line, from 1.
        package var line: Int
    }

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
        var entries: [Entry] = []
        guard try reader.next() != .end else { return [] }
        guard reader.current == .mappingStart else {
            throw reader.problem("the file must be a mapping of names to values")
        }
        while try reader.next() != .mappingEnd {
            guard case .scalar(let key) = reader.current else {
                throw reader.problem("a key must be a plain name")
            }
            let line = reader.line
            if entries.contains(where: { $0.key == key }) {
                throw reader.problem("'\(key)' is there twice")
            }
            entries.append(Entry(key: key, values: try values(of: key, &reader), line: line))
        }
        guard try reader.next() == .end else {
            throw reader.problem("only one document is expected")
        }
        return entries
    }

    private static func values(
        of key: String, _ reader: inout YAMLEvents
    ) throws(YAMLEvents.Problem) -> [String] {
        switch try reader.next() {
        case .scalar(let value):
            return [value]
        case .sequenceStart:
            var values: [String] = []
            while try reader.next() != .sequenceEnd {
                guard case .scalar(let value) = reader.current else {
                    throw reader.problem("the list of '\(key)' may only hold plain values")
                }
                values.append(value)
            }
            return values
        default:
            throw reader.problem("'\(key)' must be a plain value or a list of plain values")
        }
    }
}
