import JSON

/// What `quiver bench` measured for one length of texts.
package struct BenchmarkRow: Sendable {
    package let dtype: String
    package let kernels: String
    package let threads: Int
    package let length: Int
    /// Of the median batch of each thread, summed.
    package let tokensPerSecond: Double
    /// Over all batches: lower where something else ran meanwhile.
    package var meanTokensPerSecond = 0.0
    /// Of the run's time, what the processors worked for it.
    package var processorShare = 0.0
    /// The layers that an int8 model keeps in bfloat16.
    package var bfloat16Layers: [String] = []
    /// Of what the processors' arithmetic alone would allow, memory aside; measured beside it.
    ///
    /// Nil where nobody counted a token's operations.
    package var shareOfPeak: Double?
    /// Milliseconds of one text alone on one thread, median.
    package var singleMilliseconds = 0.0
    /// The same on all threads together; nil where there is only one.
    package var teamMilliseconds: Double?
    package var stages: [Stage] = []

    /// Where the time of a token goes.
    package struct Stage: Sendable {
        package let name: String
        package let microseconds: Double

        package init(name: String, microseconds: Double) {
            self.name = name
            self.microseconds = microseconds
        }
    }

    package init(
        dtype: String, kernels: String, threads: Int, length: Int, tokensPerSecond: Double
    ) {
        self.dtype = dtype
        self.kernels = kernels
        self.threads = threads
        self.length = length
        self.tokensPerSecond = tokensPerSecond
    }

    // MARK: The table

    package static var heading: String {
        [
            ("length", 8), ("tokens/s", 12), ("texts/s", 12), ("of peak", 10),
            ("one text, ms", 14), ("all threads, ms", 17),
        ].map { column($0, $1) }.joined()
    }

    package var text: String {
        Self.column(String(length), 8) + Self.column(String(Int(tokensPerSecond)), 12)
            + Self.column(String(Int(tokensPerSecond / Double(length))), 12)
            + Self.column(shareOfPeak.map { "\(Int(($0 * 100).rounded())) %" } ?? "-", 10)
            + Self.column(Self.hundredths(singleMilliseconds), 14)
            + Self.column(teamMilliseconds.map(Self.hundredths) ?? "-", 17)
    }

    /// The head of the table of stages, of which all rows of a run have the same.
    package var stageHeading: String {
        "\nmicroseconds a token by stage, one thread\n" + Self.column("length", 8)
            + stages.map { Self.column($0.name, $0.name.utf8.count + 2) }.joined()
    }

    package var stageText: String {
        Self.column(String(length), 8)
            + stages.map { Self.column(Self.hundredths($0.microseconds), $0.name.utf8.count + 2) }
            .joined()
    }

    private static func column(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.utf8.count)) + text
    }

    private static func hundredths(_ value: Double) -> String {
        String((value * 100).rounded() / 100)
    }

    // MARK: JSON

    /// One line: an object with the same numbers.
    package var json: String {
        var writer = JSONWriter()
        func number(_ name: StaticString, _ value: Double) {
            writer.raw(name)
            writer.number(value)
        }
        func optional(_ name: StaticString, _ value: Double?) {
            writer.raw(name)
            if let value { writer.number(value) } else { writer.raw("null") }
        }
        writer.raw("{\"dtype\":")
        writer.string(dtype)
        writer.raw(",\"kernels\":")
        writer.string(kernels)
        writer.raw(",\"threads\":")
        writer.number(threads)
        writer.raw(",\"length\":")
        writer.number(length)
        number(",\"tokens_per_second\":", tokensPerSecond)
        number(",\"mean_tokens_per_second\":", meanTokensPerSecond)
        number(",\"processor_share\":", processorShare)
        optional(",\"share_of_peak\":", shareOfPeak)
        number(",\"single_ms\":", singleMilliseconds)
        optional(",\"all_threads_ms\":", teamMilliseconds)
        writer.raw(",\"microseconds_per_token\":{")
        for (index, stage) in stages.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(stage.name)
            number(":", stage.microseconds)
        }
        writer.raw("},\"bfloat16_layers\":[")
        for (index, layer) in bfloat16Layers.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(layer)
        }
        writer.raw("]}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
