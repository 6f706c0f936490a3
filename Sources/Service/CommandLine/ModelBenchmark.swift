import Kernels
import Models
import Platform
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
        let tokenizers = try Engine.loadTokenizers(of: model, loaded: loaded)
        tokenization = Self.tokenizationMicroseconds(tokenizers[model.mainRoute])
    }

    /// Lengths that are measured unless others are asked for: powers of two up to 512, and the model's
    /// maximum where that is one of them or the only one.
    package var lengths: [Int] {
        let usual = [8, 16, 32, 64, 128, 256, 512].filter { $0 < model.maximumLength }
        return model.maximumLength > 512 ? usual : usual + [model.maximumLength]
    }

    /// Checks a length that somebody asked for.
    package func check(length: Int) throws {
        guard (1...model.maximumLength).contains(length) else {
            throw StartError(
                "--lengths must be from 1 to \(model.maximumLength), the longest text that this "
                    + "model takes; not \(length)")
        }
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
        let run = BenchmarkRun(
            model, Self.batch(texts: texts, length: length, model),
            model.backbone.operations(length: length))
        run.run(threads: threads, seconds: seconds)
        var row = BenchmarkRow(
            dtype: model.dtype.rawValue, kernels: model.kernelsName, threads: threads,
            length: length, tokensPerSecond: run.tokensPerSecond)
        row.bfloat16Layers = model.bfloat16Layers
        row.meanTokensPerSecond = run.meanTokensPerSecond
        row.processorShare = run.processorShare
        row.shareOfPeak = run.shareOfPeak
        row.singleMilliseconds = try single(length, threads: 1)
        row.teamMilliseconds = threads > 1 ? try single(length, threads: threads) : nil
        row.stages = try stages(texts: texts, length: length)
        row.stages.append(.init(name: "tokenization", microseconds: tokenization))
        return row
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
