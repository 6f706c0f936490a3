import JSON
import Kernels
import Models
import Platform
import Synchronization
import Tokenizers

/// Tokens a second by text length, through the model alone: no HTTP, tokenizer or queue.
package final class ModelBenchmark {
    /// What one length gave.
    package struct Row: Sendable {
        package var length: Int
        package var tokensPerSecond: Double
        /// Of what the processors' arithmetic alone would allow, memory aside; measured beside it.
        package var shareOfPeak: Double
        /// Milliseconds of one text alone on one thread, median.
        package var singleMilliseconds: Double

        package var text: String {
            Self.column(String(length), 8) + Self.column(String(Int(tokensPerSecond)), 12)
                + Self.column(String(Int(tokensPerSecond / Double(length))), 12)
                + Self.column("\(Int((shareOfPeak * 100).rounded())) %", 10)
                + Self.column(String((singleMilliseconds * 100).rounded() / 100), 14)
        }

        package var json: String {
            "{\"length\":\(length),\"tokens_per_second\":\(tokensPerSecond),"
                + "\"share_of_peak\":\(shareOfPeak),\"single_ms\":\(singleMilliseconds)}"
        }

        fileprivate static func column(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.utf8.count)) + text
        }
    }

    private let model: EmbeddingModel
    private let threads: Int
    private let seconds: Double
    private let batchTokens: Int

    package init(_ configuration: ServiceConfiguration, secondsPerLength: Double) throws {
        guard secondsPerLength > 0, secondsPerLength <= 600 else {
            throw StartError("--seconds must be more than 0 and at most 600")
        }
        threads = configuration.threads ?? ProcessorLimits.current.threads
        seconds = secondsPerLength
        batchTokens = configuration.batchTokens ?? 128
        var tokenizer: Tokenizer?
        model = try Engine.loadModel(configuration, tokenizer: &tokenizer)
    }

    /// Lengths that are measured: powers of two, and the model's maximum.
    package var lengths: [Int] {
        [8, 16, 32, 64, 128, 256, 512].filter { $0 < model.maximumLength } + [model.maximumLength]
    }

    package var heading: String {
        let columns = [
            ("length", 8), ("tokens/s", 12), ("texts/s", 12), ("of peak", 10),
            ("one text, ms", 14),
        ]
        return "\(model.dtype), \(model.kernelsName) kernels, \(threads) threads\n"
            + columns.map { Row.column($0, $1) }.joined()
    }

    /// Measures texts of `length` random tokens, in batches as the service makes them.
    package func measure(length: Int) throws -> Row {
        let texts = max(1, batchTokens / length)
        let tokens = Atomic<Int>(0)
        let start = MonotonicTime.now
        let end = start.advanced(by: .seconds(seconds))
        let batch = Self.batch(texts: texts, length: length, model)
        let (model, seconds) = (model, seconds)
        let workers = (0..<threads).map { index in
            NamedThread(name: "quiver-bench-\(index)") {
                let workspace = model.makeWorkspace(tokensMaximum: texts * length)
                var vectors: [Float] = []
                repeat {
                    vectors.removeAll(keepingCapacity: true)
                    try? model.embed(batch, workspace: workspace, into: &vectors)
                    tokens.add(texts * length, ordering: .relaxed)
                } while MonotonicTime.now < end
            }
        }
        workers.forEach { $0.join() }
        let elapsed = MonotonicTime.now.interval(since: start).seconds
        let rate = Double(tokens.load(ordering: .relaxed)) / max(elapsed, seconds)
        return Row(
            length: length, tokensPerSecond: rate,
            shareOfPeak: rate * secondsPerToken(length) / Double(threads),
            singleMilliseconds: try single(length))
    }

    /// The time of one token on one core that only multiplied and added, at the peak measured now.
    ///
    /// Products with weights take 2 L (4 H^2 + 2 H F) operations a token, attention 4 L H S; an int8
    /// encoder does its attention in bfloat16.
    private func secondsPerToken(_ length: Int) -> Double {
        let configuration = model.description.configuration
        let layers = Double(configuration.layerCount)
        let hidden = Double(configuration.hiddenSize)
        let inner = Double(configuration.intermediateSize)
        let products = 2 * layers * (4 * hidden * hidden + 2 * hidden * inner)
        let attention = 4 * layers * hidden * Double(length)
        let kernels = model.backbone.kernels
        let attentionType = model.dtype == .int8 ? .bfloat16 : model.dtype
        return products / MachinePeak.operationsPerSecond(model.dtype, kernels)
            + attention / MachinePeak.operationsPerSecond(attentionType, kernels)
    }

    /// The median time of one text alone.
    private func single(_ length: Int) throws -> Double {
        let batch = Self.batch(texts: 1, length: length, model)
        let workspace = model.makeWorkspace(tokensMaximum: length)
        var vectors: [Float] = []
        var times: [Double] = []
        for _ in 0..<21 {
            let start = MonotonicTime.now
            vectors.removeAll(keepingCapacity: true)
            try model.embed(batch, workspace: workspace, into: &vectors)
            times.append(MonotonicTime.now.interval(since: start).seconds * 1000)
        }
        return times.sorted()[times.count / 2]
    }

    /// Texts of token ids spread over the vocabulary by a fixed stride.
    private static func batch(texts: Int, length: Int, _ model: EmbeddingModel) -> PackedBatch {
        let size = model.vocabularySize
        return PackedBatch(
            (0..<texts).map { text in
                (0..<length).map { Int32((text * 7919 + $0 * 104_729) % size) }
            })
    }
}
