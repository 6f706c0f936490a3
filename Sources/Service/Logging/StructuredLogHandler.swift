import Glibc
import JSON
import Logging

/// The program's backend for swift-log: one line an entry, as JSON or as text for a person.
///
/// Whatever came from outside is escaped: control bytes never reach the log as they are, so no
/// request can forge a line or drive a terminal.
package struct StructuredLogHandler: LogHandler {
    /// How a line looks.
    package enum Format: Sendable {
        case text, json
    }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let format: Format
    private let sink: LogSink

    package init(format: Format, level: Logger.Level, sink: LogSink) {
        self.format = format
        self.logLevel = level
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all =
            event.metadata.map { metadata.merging($0, uniquingKeysWith: { $1 }) } ?? metadata
        let fields = all.sorted { $0.key < $1.key }
        switch format {
        case .json: writeJSON(event.level, "\(event.message)", fields)
        case .text: writeText(event.level, "\(event.message)", fields)
        }
    }

    private typealias Fields = [(key: String, value: Logger.Metadata.Value)]

    private func writeJSON(_ level: Logger.Level, _ message: String, _ fields: Fields) {
        var json = JSONWriter()
        json.raw("{\"time\":")
        json.string(Self.timestamp())
        json.raw(",\"level\":")
        json.string(level.rawValue)
        json.raw(",\"message\":")
        json.string(message)
        for (key, value) in fields {
            json.raw(",")
            json.string(key)
            json.raw(":")
            Self.append(value, to: &json)
        }
        json.raw("}\n")
        sink.write(json.bytes, isUrgent: level >= .warning)
    }

    /// Numbers and truth values stay what they are, so that a query can compare them.
    private static func append(_ value: Logger.Metadata.Value, to json: inout JSONWriter) {
        switch value {
        case .stringConvertible(let value as Int): json.number(value)
        case .stringConvertible(let value as Double): json.number(value)
        case .stringConvertible(let value as Bool): json.raw(value ? "true" : "false")
        case .string(let text): json.string(text)
        case .stringConvertible, .array, .dictionary: json.string("\(value)")
        }
    }

    private func writeText(_ level: Logger.Level, _ message: String, _ fields: Fields) {
        let name = level.rawValue
        var line = "\(Self.timestamp()) \(name)"
        line += String(repeating: " ", count: max(1, 8 - name.count)) + Self.escaped(message)
        for (key, value) in fields {
            line += " \(key)=\(Self.escaped("\(value)"))"
        }
        sink.write(Array(line.utf8) + [0x0A], isUrgent: level >= .warning)
    }

    /// The text without control characters: as JSON writes them.
    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        var json = JSONWriter()
        json.string(text)
        return String(decoding: json.bytes.dropFirst().dropLast(), as: UTF8.self)
    }

    /// The wall clock's time as RFC 3339, in UTC, to the millisecond.
    private static func timestamp() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date = [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2),
            padded(Int(parts.tm_mday), 2),
        ].joined(separator: "-")
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
            .joined(separator: ":")
        return "\(date)T\(clock).\(padded(time.tv_nsec / 1_000_000, 3))Z"
    }
}
