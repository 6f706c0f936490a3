import Platform

/// Every limit and weight of the queue, in one place; `validated` relates them to each other.
package struct BatchConfiguration: Hashable, Sendable {
    /// A micro-batch's budget in tokens; a single longer text runs alone.
    package var batchTokensMaximum = 128
    /// Items in a micro-batch at most.
    package var batchItemsMaximum = 64
    /// With several idle workers the queue is dealt out among them, but not in batches of fewer
    /// tokens than this: below it a batch costs nearly as much as this many tokens do.
    package var splitTokensMinimum = 16

    /// Tokens in the queue at most (not yet started, equal texts counted once).
    package var queueTokensMaximum = 1 << 21
    /// Requests admitted and unanswered at most.
    package var queueRequestsMaximum = 4096
    /// Items in a request at most.
    package var requestItemsMaximum = 2048
    /// The part of the queue that one client can fill when nobody else is there; the more of the
    /// queue is in use, the less each may add (dynamic thresholds, Choudhury and Hahne 1998).
    package var clientShareMaximum = 0.75
    /// A request is refused when the work in front of it is longer than this and than its own work
    /// over `ageing`: who asks for much can wait for longer.
    package var waitMaximum = TimeSpan.seconds(5)
    /// The deadline of a request that names none, counted from its arrival; nil for no deadline.
    package var deadlineDefault: TimeSpan? = .seconds(300)
    /// The longest deadline that a request may name, counted from its arrival; longer ones are cut.
    package var deadlineMaximum = TimeSpan.seconds(600)

    /// What one worker computes, tokens a second: the starting point of the estimate of waits, and
    /// the fixed scale between tokens and seconds in the order.
    package var tokensPerSecond = 14_000.0
    /// How many seconds of work one second of waiting is worth.
    ///
    /// 0.1: a request with 100 ms of work left passes one with 90 ms after waiting 100 ms longer.
    /// Zero: pure shortest-first, in which a long request can starve.
    package var ageing = 0.1
    /// The part of the work that may be led by those whom only their waiting has brought to the
    /// front.
    package var ageShare = 0.25
    /// Work beyond this many tokens does not set a request back any further, so that ageing bounds
    /// every wait.
    package var orderTokensMaximum = 16_384
    /// How far a bulk request steps back, in tokens of work.
    package var bulkPenaltyTokens = 8_192
    /// How much of the tokens that its client was given beyond others sets a request back; 0 for
    /// no fairness between clients, 1 for all of it.
    package var fairness = 0.5
    /// Tokens given beyond others are forgotten above this many: a few documents' worth, so that a
    /// client's bulk work does not hold back its own queries for long.
    package var excessTokensMaximum = 1_024

    /// Idle workers compute parts of a batch that runs elsewhere and has at least this many tokens to
    /// go for each of its hands, theirs among them; nil for never.
    package var handTokensMinimum: Int?
    /// They do so before they begin with what waits if that is much longer, and if all workers would
    /// have computed all that waits in this time; zero for helping only when nothing waits.
    ///
    /// A gang ends the shorter request sooner and costs a part of the workers' time: with more than
    /// can be done soon, that part matters more.
    package var gangBacklogMaximum = TimeSpan.milliseconds(500)
    /// A request of at most so many tokens may run between two layers of a batch whose requests have
    /// longer to go; the second limit is for what runs between two layers of that, and so on.
    ///
    /// None for never. A worker has memory for each.
    package var interruptTokensMaxima: [Int] = []

    package init() {}
}

/// A key of the configuration with a value that cannot be.
package struct BatchConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    package var key: String
    package var problem: String

    package var description: String { "\(key): \(problem)" }
}

extension BatchConfiguration {
    /// The configuration itself, or the first key that cannot be.
    package func validated() throws(BatchConfigurationError) -> BatchConfiguration {
        try checkCounts()
        try checkSpans()
        try checkWeights()
        return self
    }

    /// A client is refused above this factor times the free part of the queue; nil for never.
    var clientThreshold: Double? {
        clientShareMaximum < 1 ? clientShareMaximum / (1 - clientShareMaximum) : nil
    }

    /// The most tokens that a request can have.
    package var requestTokensMaximum: Int {
        Int(Double(queueTokensMaximum) * clientShareMaximum)
    }

    /// What a second of waiting is worth in the order, in tokens.
    var ageingTokensPerSecond: Double { ageing * tokensPerSecond }

    /// How many seconds a request with so many seconds of work may wait.
    func patience(work: Double) -> Double {
        max(waitMaximum.seconds, work / max(ageing, 0.01))
    }

    /// No request is overtaken by one that arrives later than this after it.
    ///
    /// The furthest that work, priority and fairness (between clients, between models) can set one request behind another, over the
    /// rate at which waiting makes up for it.
    package var overtakingMaximum: TimeSpan {
        let tokens =
            Double(orderTokensMaximum + bulkPenaltyTokens)
            + 2 * fairness * Double(excessTokensMaximum)
        return .seconds(tokens / max(ageingTokensPerSecond, 1e-9))
    }

    private func checkCounts() throws(BatchConfigurationError) {
        // A token count of a request is added up in Int; 2^40 leaves room for any sum of them.
        let limit = 1 << 40
        let counts = [
            ("batchTokensMaximum", batchTokensMaximum), ("batchItemsMaximum", batchItemsMaximum),
            ("splitTokensMinimum", splitTokensMinimum),
            ("queueTokensMaximum", queueTokensMaximum),
            ("queueRequestsMaximum", queueRequestsMaximum),
            ("requestItemsMaximum", requestItemsMaximum),
            ("orderTokensMaximum", orderTokensMaximum),
            ("handTokensMinimum", handTokensMinimum ?? 1),
            ("interruptTokensMaxima", interruptTokensMaxima.min() ?? 1),
            ("interruptTokensMaxima", interruptTokensMaxima.max() ?? 1),
        ]
        for (key, value) in counts where value < 1 || value > limit {
            throw BatchConfigurationError(key: key, problem: "between 1 and 2^40, not \(value)")
        }
        for (key, value) in [
            ("bulkPenaltyTokens", bulkPenaltyTokens), ("excessTokensMaximum", excessTokensMaximum),
        ] where value < 0 || value > limit {
            throw BatchConfigurationError(key: key, problem: "between 0 and 2^40, not \(value)")
        }
        guard queueTokensMaximum >= batchTokensMaximum else {
            throw BatchConfigurationError(
                key: "queueTokensMaximum",
                problem: "\(queueTokensMaximum) is less than one batch (\(batchTokensMaximum))")
        }
    }

    private func checkSpans() throws(BatchConfigurationError) {
        let spans = [
            ("waitMaximum", waitMaximum), ("deadlineDefault", deadlineDefault ?? deadlineMaximum),
            ("deadlineMaximum", deadlineMaximum),
        ]
        // A day: far beyond any use, and far from the end of the clock.
        let limit = TimeSpan.seconds(86_400)
        guard .zero...TimeSpan.seconds(86_400) ~= gangBacklogMaximum else {
            throw BatchConfigurationError(
                key: "gangBacklogMaximum",
                problem: "from 0 s to a day, not \(gangBacklogMaximum.seconds) s")
        }
        for (key, value) in spans where value <= .zero || value > limit {
            throw BatchConfigurationError(
                key: key, problem: "above 0 s and at most a day, not \(value.seconds) s")
        }
        if let deadlineDefault, deadlineDefault > deadlineMaximum {
            throw BatchConfigurationError(
                key: "deadlineDefault",
                problem: "\(deadlineDefault.seconds) s is longer than deadlineMaximum, "
                    + "\(deadlineMaximum.seconds) s")
        }
    }

    private func checkWeights() throws(BatchConfigurationError) {
        let weights = [
            ("tokensPerSecond", tokensPerSecond, 1.0...1e12),
            ("clientShareMaximum", clientShareMaximum, 0.01...1),
            ("ageing", ageing, 0...1e3), ("ageShare", ageShare, 0.01...0.99),
            ("fairness", fairness, 0...1e3),
        ]
        for (key, value, range) in weights where !range.contains(value) {
            throw BatchConfigurationError(
                key: key,
                problem: "between \(range.lowerBound) and \(range.upperBound), not \(value)")
        }
    }
}
