/// Writes the Prometheus text exposition format, version 0.0.4.
///
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
package struct PrometheusText {
    /// The value of the Content-Type header.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text so far, as UTF-8.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Names and values of a series, in the order in which they are written.
    package typealias Labels = [(name: String, value: String)]

    /// The kinds of a metric.
    package enum Kind: String {
        case counter, gauge, histogram
    }

    /// Begins the metric `name`: its help and type, before its first series.
    package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// Writes one series of a counter or gauge.
    package mutating func sample(_ name: String, _ labels: Labels, _ value: Int) {
        begin(series: name, labels)
        end(with: value)
    }

    /// Writes one series of a counter or gauge that is no whole number.
    package mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        begin(series: name, labels)
        append("\(value)\n")
    }

    /// Writes a counter of one series.
    package mutating func counter(_ name: String, _ help: String, _ value: Int) {
        begin(name, .counter, help)
        sample(name, [], value)
    }

    /// Writes a gauge of one series.
    package mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        begin(name, .gauge, help)
        sample(name, [], value)
    }

    /// Writes all series of one histogram.
    package mutating func histogram(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        let snapshot = histogram.snapshot
        var cumulative = 0
        // All of a bucket's series but its bound and its number, made once: most of the text is these.
        var bucket = PrometheusText()
        bucket.append(name)
        bucket.append(labels.isEmpty ? "_bucket{" : "_bucket\(Self.braced(labels).dropLast()),")
        bucket.append("le=\"")
        for (bound, count) in zip(histogram.bounds, snapshot.counts) {
            cumulative += count
            bytes.append(contentsOf: bucket.bytes)
            append(Self.plain(bound))
            append("\"} ")
            end(with: cumulative)
        }
        cumulative += snapshot.counts[histogram.bounds.count]
        bytes.append(contentsOf: bucket.bytes)
        append("+Inf\"} ")
        end(with: cumulative)
        sample("\(name)_sum", labels, snapshot.sum)
        sample("\(name)_count", labels, cumulative)
    }

    private mutating func begin(series name: String, _ labels: Labels) {
        append(name)
        append(Self.braced(labels))
        append(" ")
    }

    private mutating func end(with value: Int) {
        append(String(value))
        append("\n")
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private static func plain(_ bound: Double) -> String {
        Int(exactly: bound).map(String.init) ?? String(bound)
    }

    private static func braced(_ labels: Labels) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            + "}"
    }

    /// A label's value with backslash, quote and newline escaped, as the format asks.
    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { [0x0A, 0x22, 0x5C].contains($0) }) else { return value }
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
