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
        /// The model is served on these terms, or was unloaded.
        case terms(ModelID, ModelTerms?)
        case drain
        case abandon
    }

    struct Submission {
        var tokenCounts: [Int]
        var contents: [UInt64]
        var model: ModelID
        var client: ClientKey
        var priority: Priority
        /// What comes later; a slice may bring less than was announced for it, or nothing.
        var slices: [Slice]
        /// From its arrival on.
        var deadline: TimeSpan?
    }

    /// A later part of a request.
    struct Slice {
        var tokenCounts: [Int]
        var contents: [UInt64]
        /// What was announced for it, at least what it has.
        var announced: (items: Int, tokens: Int)
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
            case ..<90 where submitted > 0: operation = .cancel(random.below(submitted))
            case ..<94 where models > 1: operation = Script.terms(&random, models: models)
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
        configuration.handTokensMinimum = random.pick([nil, 1, 16])
        configuration.gangBacklogMaximum = random.pick([
            .zero, .milliseconds(5), .milliseconds(500), .seconds(100),
        ])
        configuration.interruptTokensMaxima = random.pick([
            [], [16], [64], [200, 64], [200, 64, 8],
        ])
        return configuration
    }

    private static func terms(_ random: inout SplitMix64, models: Int) -> Operation {
        let model = ModelID(random.below(models))
        guard random.chance(70) else { return .terms(model, nil) }
        return .terms(
            model,
            ModelTerms(
                batchTokensMaximum: random.pick([nil, 0, 8, 64, 200]),
                tokenCost: random.pick([0, 0.1, 1, 7]), isDivisible: random.chance(70)))
    }

    private static func submission(
        _ random: inout SplitMix64, isShared: Bool, models: Int
    ) -> Submission {
        let count = random.chance(60) ? 1 : random.below(14)
        let long = random.pick([16, 16, 130, 400])
        let model = random.below(models)
        let hasContents = isShared && random.chance(80)
        var (counts, contents) = Script.texts(
            count, long, hasContents ? model : nil, &random)
        if random.chance(1), !counts.isEmpty { counts[0] = random.pick([0, -5, Int.max]) }
        let slices = (0..<(random.chance(15) ? 1 + random.below(3) : 0)).map { _ in
            let (counts, contents) = Script.texts(
                random.chance(10) ? 0 : 1 + random.below(5), long, hasContents ? model : nil,
                &random)
            let spare = random.chance(30) ? 1 + random.below(2) : 0
            return Slice(
                tokenCounts: counts, contents: contents,
                announced: (counts.count + spare, counts.reduce(0, +) + spare * long))
        }
        return Submission(
            tokenCounts: counts, contents: contents, model: ModelID(model),
            client: ClientKey(UInt64(random.below(4))),
            priority: random.chance(20) ? .bulk : .interactive, slices: slices,
            deadline: random.chance(30) ? .microseconds(Int64(random.below(60_000)) - 2_000) : nil)
    }

    /// Lengths and contents; equal contents have equal lengths, so the content says the length, and
    /// the model is in it.
    private static func texts(
        _ count: Int, _ long: Int, _ sharedModel: Int?, _ random: inout SplitMix64
    ) -> (counts: [Int], contents: [UInt64]) {
        guard let sharedModel else { return ((0..<count).map { _ in 1 + random.below(long) }, []) }
        let contents = (0..<count).map { _ in UInt64(1 + random.below(20) + 100 * sharedModel) }
        return (contents.map { Int($0 % 100) * 3 }, contents)
    }
}

extension Script.Submission {
    /// What is announced for the slices from `first` on.
    func announced(from first: Int) -> (items: Int, tokens: Int) {
        slices.dropFirst(first).reduce((0, 0)) {
            ($0.0 + $1.announced.items, $0.1 + $1.announced.tokens)
        }
    }
}
