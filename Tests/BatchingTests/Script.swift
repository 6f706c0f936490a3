import Batching
import Platform

/// What a seed's clients do, and with what configuration: played by the simulation on a virtual
/// clock and by the threaded scheduler on a real one.
struct Script {
    enum Operation {
        case submit(Submission)
        /// Of the submission with this number.
        case cancel(Int)
        case tick
        case drain
        case abandon
    }

    struct Submission {
        var tokenCounts: [Int]
        var contents: [UInt64]
        var model: ModelID
        var client: ClientKey
        var priority: Priority
        var tokensToCome: Int
        /// From its arrival on.
        var deadline: TimeSpan?
    }

    var configuration: BatchConfiguration
    var workers: Int
    /// How much of a percent of the batches fail.
    var failurePercent: Int
    /// Each with the time since the one before.
    var operations: [(pause: TimeSpan, operation: Operation)]

    init(seed: UInt64, operationCount: Int = 48) {
        var random = SplitMix64(seed: seed)
        configuration = Script.configuration(&random)
        workers = 1 + random.below(4)
        failurePercent = random.pick([0, 0, 5, 30])
        // From idle to several times what the workers can do.
        let pauseMaximum = random.pick([200, 2_000, 20_000, 100_000])
        let isShared = random.chance(50)
        let models = random.pick([1, 1, 3])
        let drainAt = random.chance(30) ? random.below(operationCount) : -1
        var submitted = 0
        operations = []
        for index in 0..<operationCount {
            let pause = TimeSpan.microseconds(
                random.chance(30) ? 0 : Int64(random.below(pauseMaximum)))
            let operation: Operation
            switch random.below(100) {
            case _ where index == drainAt: operation = random.chance(80) ? .drain : .abandon
            case ..<75:
                operation = .submit(
                    Script.submission(&random, isShared: isShared, models: models))
                submitted += 1
            case ..<92 where submitted > 0: operation = .cancel(random.below(submitted))
            default: operation = .tick
            }
            operations.append((pause, operation))
        }
    }

    private static func configuration(_ random: inout SplitMix64) -> BatchConfiguration {
        var configuration = BatchConfiguration()
        configuration.batchTokensMaximum = random.pick([1, 16, 64, 128])
        configuration.batchItemsMaximum = random.pick([1, 3, 64])
        configuration.splitTokensMinimum = random.pick([1, 16])
        configuration.queueTokensMaximum = random.pick([128, 600, 4_000, 1 << 20])
        configuration.queueRequestsMaximum = random.pick([2, 8, 100])
        configuration.requestItemsMaximum = random.pick([4, 12])
        configuration.clientShareMaximum = random.pick([0.5, 0.75, 1])
        configuration.waitMaximum = random.pick([.milliseconds(20), .seconds(1), .seconds(100)])
        configuration.deadlineDefault = random.pick([nil, .milliseconds(15), .seconds(2)])
        configuration.deadlineMaximum = .seconds(10)
        configuration.tokensPerSecond = 10_000
        configuration.ageing = random.pick([0.1, 2, 50])
        configuration.ageShare = random.pick([0.1, 0.25, 0.5])
        configuration.orderTokensMaximum = random.pick([16, 300, 16_384])
        configuration.bulkPenaltyTokens = random.pick([0, 100, 8_192])
        configuration.fairness = random.pick([0, 0.5, 1])
        configuration.excessTokensMaximum = random.pick([0, 200, 8_192])
        configuration.gangTokensMinimum = random.pick([nil, 1, 32])
        configuration.interruptTokensMaximum = random.pick([nil, 16, 64])
        return configuration
    }

    private static func submission(
        _ random: inout SplitMix64, isShared: Bool, models: Int
    ) -> Submission {
        let count = random.chance(60) ? 1 : random.below(14)
        let long = random.pick([16, 16, 130, 400])
        var counts = (0..<count).map { _ in 1 + random.below(long) }
        if random.chance(1), !counts.isEmpty { counts[0] = random.pick([0, -5, Int.max]) }
        // Equal contents have equal lengths, so the content says the length; the model is in it.
        let model = random.below(models)
        var contents: [UInt64] = []
        if isShared, random.chance(80) {
            contents = counts.map { _ in UInt64(1 + random.below(20) + 100 * model) }
            counts = contents.map { Int($0 % 100) * 3 }
        }
        return Submission(
            tokenCounts: counts, contents: contents, model: ModelID(model),
            client: ClientKey(UInt64(random.below(4))),
            priority: random.chance(20) ? .bulk : .interactive,
            tokensToCome: random.chance(10) ? random.below(1_000) : 0,
            deadline: random.chance(30) ? .microseconds(Int64(random.below(60_000)) - 2_000) : nil)
    }
}
