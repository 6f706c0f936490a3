import Kernels
import Models
import Platform

/// Batches of the same shape on several threads at once, each with memory of its own.
///
/// A thread's rate is that of its median batch, so that moments in which the machine did something else
/// do not count; the mean and the processor's share tell how many there were.
struct BenchmarkRun {
    private let model: EmbeddingModel
    private let batch: PackedBatch
    private let operations: TokenOperations?
    private let results = Locked<[ThreadResult]>([])

    /// What one thread did.
    private struct ThreadResult {
        /// Tokens a second of the median batch, and over all.
        let median: Double
        let mean: Double
        /// Of the time between its first batch and its last, what a processor worked for it.
        let processorShare: Double
        /// Tokens a second that the arithmetic alone would allow.
        let roof: Double?
    }

    /// - Parameter operations: what a token costs; nil where nobody counted it.
    init(_ model: EmbeddingModel, _ batch: PackedBatch, _ operations: TokenOperations?) {
        self.model = model
        self.batch = batch
        self.operations = operations
    }

    /// Runs for `seconds` on each of `threads` threads.
    func run(threads: Int, seconds: Double) {
        let workers = (0..<threads).map { index in
            NamedThread(name: "quiver-bench-\(index)") { [self] in
                if let result = work(seconds) { results.withLock { $0.append(result) } }
            }
        }
        workers.forEach { $0.join() }
    }

    /// Tokens a second of all threads, by their median batches.
    var tokensPerSecond: Double { results.withLock { $0.reduce(0) { $0 + $1.median } } }

    /// Tokens a second of all threads, over all batches.
    var meanTokensPerSecond: Double { results.withLock { $0.reduce(0) { $0 + $1.mean } } }

    /// The mean over the threads.
    var processorShare: Double {
        results.withLock { $0.reduce(0) { $0 + $1.processorShare } / Double(max(1, $0.count)) }
    }

    /// Of what the arithmetic of these processors would allow, memory aside.
    var shareOfPeak: Double? {
        let roofs = results.withLock { $0.compactMap(\.roof) }
        guard !roofs.isEmpty else { return nil }
        return tokensPerSecond / roofs.reduce(0, +)
    }

    private func work(_ seconds: Double) -> ThreadResult? {
        let workspace = model.makeWorkspace(tokensMaximum: batch.tokenCount)
        var vectors: [Float] = []
        var times: [Double] = []
        times.reserveCapacity(1 << 16)
        // The first batch finds memory that nobody has touched.
        guard (try? model.embed(batch, workspace: workspace, into: &vectors)) != nil else {
            return nil
        }
        let before = secondsPerToken
        let processor = ProcessorTime.ofThread
        let start = MonotonicTime.now
        var last = start
        repeat {
            try? model.embed(batch, workspace: workspace, into: &vectors)
            let now = MonotonicTime.now
            times.append(now.interval(since: last).seconds)
            last = now
        } while last.interval(since: start).seconds < seconds
        let elapsed = last.interval(since: start).seconds
        let used = ProcessorTime.ofThread.nanoseconds - processor.nanoseconds
        let after = secondsPerToken
        times.sort()
        let tokens = Double(batch.tokenCount)
        return ThreadResult(
            median: tokens / times[times.count / 2],
            mean: tokens * Double(times.count) / elapsed,
            processorShare: Double(used) * 1e-9 / elapsed,
            roof: before.flatMap { before in after.map { 1 / min(before, $0) } })
    }

    /// The time of one token on a core that only multiplied and added, at the peak measured now, with
    /// the other threads' cores as busy; an int8 encoder does its attention in bfloat16.
    private var secondsPerToken: Double? {
        guard let operations else { return nil }
        let kernels = model.backbone.kernels
        let attentionType = model.dtype == .int8 ? .bfloat16 : model.dtype
        return operations.products / MachinePeak.operationsPerSecond(model.dtype, kernels)
            + operations.attention / MachinePeak.operationsPerSecond(attentionType, kernels)
    }
}
