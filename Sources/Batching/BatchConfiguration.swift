import Platform

/// Every limit and weight of the queue, in one place; `validated` relates them to each other.
package struct BatchConfiguration: Hashable, Sendable {
    /// A micro-batch's budget in tokens; a single longer text runs alone.
    package var batchTokensMaximum = 128
    /// Items in a micro-batch at most.
    package var batchItemsMaximum = 64
    /// Tokens in the queue at most (not yet started, equal texts counted once).
    package var queueTokensMaximum = 1 << 21
    /// Requests admitted and unanswered at most.
    package var queueRequestsMaximum = 4096
    /// Items in a request at most.
    package var requestItemsMaximum = 2048
    /// A request is refused when the work in front of it is longer than this.
    package var waitMaximum = TimeSpan.seconds(15)
    /// The deadline of a request that names none, counted from its arrival; nil for no deadline.
    package var deadlineDefault: TimeSpan? = .seconds(30)
    /// The longest deadline that a request may name, counted from its arrival.
    package var deadlineMaximum = TimeSpan.seconds(300)
    /// How many seconds of work one second of waiting is worth (0.1: a request with 100 ms of work
    /// left passes one with 90 ms after waiting 100 ms longer).
    package var ageing = 0.1
    /// What one worker computes, tokens a second: the starting point of the estimate of waits, and
    /// the fixed scale between tokens and seconds in the order.
    package var tokensPerSecond = 14_000.0

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
        self
    }
}
