import Batching
import Glibc
import Models
import Platform

/// What one compute thread does in a second, by the size of its batches; measured at the start.
struct BatchMeasurement {
    /// The smallest batch that is as fast a token as larger ones: it fills the matrix tiles.
    var batchTokens: Int
    /// Tokens a second of one thread in batches of that size.
    var tokensPerSecond: Double

    /// Sizes that are tried, in tokens.
    static let sizes = [32, 64, 128, 256]
    /// A larger batch must be faster than this to be worth the longer wait behind it.
    private static let worth = 1.04
    /// Each size is repeated for so long, and at least twice: the machine may be busy otherwise.
    private static let span = TimeSpan.milliseconds(60)
    private static let textTokens = 16

    /// Measures batches of short texts on the calling thread; `fixed` measures that size alone.
    init(_ model: EmbeddingModel, tokenID: Int32, fixed: Int?) throws(StartError) {
        let sizes = fixed.map { [min($0, Self.sizes.last ?? $0)] } ?? Self.sizes
        let arena = EmbeddingArena(
            model: model, tokensMaximum: sizes.max() ?? 0,
            interruptTokensMaximum: Self.textTokens)
        var best: (size: Int, speed: Double)?
        for size in sizes {
            let speed = try Self.speed(of: size, model, arena, tokenID)
            if let found = best, speed < found.speed * Self.worth { continue }
            best = (size, speed)
        }
        batchTokens = fixed ?? best?.size ?? Self.sizes[0]
        tokensPerSecond = min(max(best?.speed ?? 1, 1), 1e9)
    }

    /// Processor time of this thread: what others compute meanwhile does not count.
    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Tokens a second in batches of `size` tokens: the fastest repetition, which nobody disturbed.
    private static func speed(
        of size: Int, _ model: EmbeddingModel, _ arena: EmbeddingArena, _ tokenID: Int32
    ) throws(StartError) -> Double {
        let length = min(textTokens, size, model.maximumLength)
        let texts = (0..<max(1, size / length)).map { _ in
            Engine.Work(
                tokenIDs: Array(repeating: tokenID, count: length), route: model.mainRoute)
        }
        let end = MonotonicTime.now.advanced(by: span)
        var shortest = Double.infinity
        var repetitions = 0
        repeat {
            let start = threadSeconds
            do {
                _ = try arena.run(texts)
            } catch {
                throw StartError("the model fails on its first texts: \(error)")
            }
            shortest = min(shortest, threadSeconds - start)
            repetitions += 1
        } while repetitions < 2 || MonotonicTime.now < end
        return Double(texts.count * length) / max(shortest, 1e-9)
    }
}
