import Glibc
import Models
import Platform

/// What one compute thread does in a second, by the size of its batches; measured at the start.
///
/// A service that is starting must not wait long for this, so a few layers stand for all.
package struct BatchMeasurement {
    /// The smallest batch that is as fast a token as larger ones: it fills the matrix tiles.
    package var batchTokens: Int
    /// Tokens a second of one thread in batches of that size.
    package var tokensPerSecond: Double

    /// Sizes that are tried, in tokens.
    ///
    /// Alone, a thread often computes 32 tokens as fast a token; but not beside another one that reads its
    /// weights from the same memory, and a batch has a cost in the queue.
    package static let sizes = [64, 128, 256]
    /// A larger batch must be faster than this to be worth the longer wait behind it.
    private static let worth = 1.04
    /// Each size is measured for so long in each round, and over two layers at least: the machine may be
    /// busy otherwise.
    private static let span = TimeSpan.milliseconds(2)
    /// The sizes take turns, since a processor that has just begun to work becomes faster, or slower.
    private static let rounds = 4
    private static let textTokens = 16

    /// Measures batches of short texts on the calling thread; `fixed` measures that size alone.
    package init(_ model: EmbeddingModel, tokenID: Int32, fixed: Int?) throws(StartError) {
        let sizes = fixed.map { [min($0, Self.sizes.last ?? $0)] } ?? Self.sizes
        let workspace = model.makeWorkspace(tokensMaximum: sizes.max() ?? 0)
        var speeds = Array(repeating: 1.0, count: sizes.count)
        for _ in 0..<Self.rounds {
            for (index, size) in sizes.enumerated() {
                let speed = try Self.speed(of: size, model, workspace, tokenID)
                speeds[index] = max(speeds[index], speed)
            }
        }
        let chosen = Self.smallestWorthwhile(speeds)
        batchTokens = fixed ?? sizes[chosen]
        tokensPerSecond = min(speeds[chosen], 1e9)
    }

    /// The first of the speeds that none of those behind it exceeds by more than it is worth.
    package static func smallestWorthwhile(_ speeds: [Double]) -> Int {
        speeds.indices.first { index in
            speeds[index...].allSatisfy { $0 < speeds[index] * worth }
        } ?? 0
    }

    /// Processor time of this thread: what others compute meanwhile does not count.
    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Tokens a second in batches of `size` tokens: as if every layer took as long as the fastest that was
    /// measured, which nobody disturbed.
    private static func speed(
        of size: Int, _ model: EmbeddingModel, _ workspace: any BackboneWorkspace,
        _ tokenID: Int32
    ) throws(StartError) -> Double {
        let length = min(textTokens, size, model.maximumLength)
        let ids = Array(repeating: tokenID, count: length)
        var batch = PackedBatch()
        for _ in 0..<max(1, size / length) { batch.append(ids, route: model.mainRoute) }
        // What is not layers: embeddings here, and pooling, which costs less than they do.
        let embedding = try shortest(within: .zero) { _ throws(StartError) in
            do {
                try workspace.begin(batch)
            } catch {
                throw StartError("the model fails on its first texts: \(error)")
            }
        }
        let layerCount = model.backbone.layerCount
        // Each time another layer, whose weights are not in the nearest cache.
        let layer =
            layerCount == 0
            ? 0
            : try shortest(within: span) { round throws(StartError) in
                workspace.layer(round % layerCount)
            }
        let seconds = embedding + layer * Double(layerCount)
        return Double(batch.tokenCount) / max(seconds, 1e-9)
    }

    /// The seconds of the fastest of several calls of `body`, which gets their number.
    private static func shortest(
        within span: TimeSpan, _ body: (Int) throws(StartError) -> Void
    ) throws(StartError) -> Double {
        let end = MonotonicTime.now.advanced(by: span)
        var shortest = Double.infinity
        var rounds = 0
        repeat {
            let start = threadSeconds
            try body(rounds)
            shortest = min(shortest, threadSeconds - start)
            rounds += 1
        } while rounds < 2 || MonotonicTime.now < end
        return shortest
    }
}
