import Kernels
import Models
import Platform
import Synchronization
import Tokenizers

/// Tokens a second by text length through the model alone, and where the time goes: no HTTP or queue.
package final class ModelBenchmark {
    private let model: EmbeddingModel
    private let threads: Int
    private let seconds: Double
    private let batchTokens: Int
    /// Microseconds of the tokenizer for one token of English prose, on one thread.
    private let tokenization: Double

    package init(_ configuration: ServiceConfiguration, secondsPerLength: Double) throws {
        guard secondsPerLength > 0, secondsPerLength <= 600 else {
            throw StartError("--seconds must be more than 0 and at most 600")
        }
        threads = configuration.threads ?? ProcessorLimits.current.threads
        seconds = secondsPerLength
        batchTokens = configuration.batchTokens ?? 128
        guard let setting = configuration.models.first else { throw StartError("no model") }
        var loaded: Tokenizer?
        model = try Engine.loadModel(setting, tokenizer: &loaded)
        let tokenizer =
            try loaded
            ?? Engine.loadTokenizer(model.tokenizerFolder, lowercases: model.lowercasesTexts)
        tokenization = Self.tokenizationMicroseconds(tokenizer)
    }

    /// Lengths that are measured: powers of two, and the model's maximum.
    package var lengths: [Int] {
        [8, 16, 32, 64, 128, 256, 512].filter { $0 < model.maximumLength } + [
            min(model.maximumLength, 8192)
        ]
    }

    /// What is measured, and the head of the table.
    package var heading: String {
        var text = "\(model.dtype), \(model.kernelsName) kernels, \(threads) threads\n"
        if !model.bfloat16Layers.isEmpty {
            text += "in bfloat16: " + model.bfloat16Layers.joined(separator: "; ") + "\n"
        }
        return text + BenchmarkRow.heading
    }

    /// Measures texts of `length` random tokens, in batches as the service makes them.
    package func measure(length: Int) throws -> BenchmarkRow {
        let texts = max(1, batchTokens / length)
        let rate = throughput(texts: texts, length: length)
        var row = BenchmarkRow(
            dtype: model.dtype.rawValue, kernels: model.kernelsName, threads: threads,
            length: length, tokensPerSecond: rate)
        row.bfloat16Layers = model.bfloat16Layers
        row.shareOfPeak = rate * secondsPerToken(length) / Double(threads)
        row.singleMilliseconds = try single(length, threads: 1)
        row.teamMilliseconds = threads > 1 ? try single(length, threads: threads) : nil
        row.stages = try stages(texts: texts, length: length)
        row.stages.append(.init(name: "tokenization", microseconds: tokenization))
        return row
    }

    /// Tokens a second of all threads, each with batches of its own.
    private func throughput(texts: Int, length: Int) -> Double {
        let tokens = Atomic<Int>(0)
        let start = MonotonicTime.now
        let end = start.advanced(by: .seconds(seconds))
        let batch = Self.batch(texts: texts, length: length, model)
        let model = model
        let workers = (0..<threads).map { index in
            NamedThread(name: "quiver-bench-\(index)") {
                let workspace = model.makeWorkspace(tokensMaximum: texts * length)
                var vectors: [Float] = []
                repeat {
                    try? model.embed(batch, workspace: workspace, into: &vectors)
                    tokens.add(texts * length, ordering: .relaxed)
                } while MonotonicTime.now < end
            }
        }
        workers.forEach { $0.join() }
        let elapsed = MonotonicTime.now.interval(since: start).seconds
        return Double(tokens.load(ordering: .relaxed)) / max(elapsed, seconds)
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

    /// The median time of one text alone, in milliseconds, on that many threads together.
    private func single(_ length: Int, threads: Int) throws -> Double {
        let batch = Self.batch(texts: 1, length: length, model)
        let team = threads > 1 ? ComputeTeam(width: threads) : nil
        let helpers = (1..<threads).map { index in
            NamedThread(name: "quiver-bench-\(index)") { team?.serve() }
        }
        defer {
            team?.dismiss()
            helpers.forEach { $0.join() }
        }
        let workspace = model.makeWorkspace(tokensMaximum: length, team: team)
        var vectors: [Float] = []
        var times: [Double] = []
        for _ in 0..<(length <= 64 ? 201 : 41) {
            let start = MonotonicTime.now
            try model.embed(batch, workspace: workspace, into: &vectors)
            times.append(MonotonicTime.now.interval(since: start).seconds * 1000)
        }
        return times.sorted()[times.count / 2]
    }

    /// Microseconds a token by stage, on one thread.
    private func stages(texts: Int, length: Int) throws -> [BenchmarkRow.Stage] {
        let batch = Self.batch(texts: texts, length: length, model)
        let workspace = model.makeWorkspace(tokensMaximum: texts * length)
        var vectors: [Float] = []
        try model.embed(batch, workspace: workspace, into: &vectors)
        let times = StageTimes()
        workspace.times = times
        // A family that is not a transformer measures no stages.
        guard workspace.times != nil else { return [] }
        var tokens = 0
        let start = MonotonicTime.now
        repeat {
            try model.embed(batch, workspace: workspace, into: &vectors)
            tokens += texts * length
        } while MonotonicTime.now.interval(since: start).seconds < min(seconds, 0.3)
        return StageTimes.Stage.allCases.map { stage in
            .init(name: stage.rawValue, microseconds: times[stage] * 1e6 / Double(tokens))
        }
    }

    private static func tokenizationMicroseconds(_ tokenizer: Tokenizer) -> Double {
        var tokens = 0
        let start = MonotonicTime.now
        repeat {
            for text in CalibrationTexts.all { tokens += tokenizer.tokenIDs(text).ids.count }
        } while MonotonicTime.now.interval(since: start).seconds < 0.05
        return MonotonicTime.now.interval(since: start).seconds * 1e6 / Double(max(1, tokens))
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
