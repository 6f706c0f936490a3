import Platform

/// One batch that has been computed.
package struct BatchReport: Hashable, Sendable {
    package var worker: Int
    package var model: ModelID
    package var items: Int
    package var tokens: Int
    package var duration: TimeSpan
    package var failed = false
    /// Times that another worker came to lend a hand.
    package var helpers = 0
    /// Whether it ran between two layers of another batch (whose duration contains this one's).
    package var isInterrupting = false
}

/// How an admitted request ended, for counting.
package enum RequestOutcome: Hashable, CaseIterable, Sendable {
    case completed, cancelled, deadlineExpired, workerFailed, abandoned
}

/// Is told what the scheduler does, for metrics.
///
/// Called on compute and submitting threads, never under the scheduler's lock; must be quick.
package protocol BatchObserver: Sendable {
    func batchStarted(worker: Int, model: ModelID, items: Int, tokens: Int)
    func batchFinished(_ report: BatchReport)
    func requestRefused(_ reason: AdmissionRefusal.Reason, model: ModelID)
    func requestFinished(_ outcome: RequestOutcome, model: ModelID, timings: BatchTimings)
}

/// What is in the scheduler at one moment, for gauges.
package struct BatchSnapshot: Hashable, Sendable {
    /// Admitted requests with an item that has not started.
    package var queuedRequests = 0
    /// Tokens of items that have not started.
    package var queuedTokens = 0
    /// Tokens that admitted requests have announced and that come in later slices.
    package var announcedTokens = 0
    /// Admitted requests without an outcome, queued or running.
    package var admittedRequests = 0
    /// Batches that are being computed.
    package var runningBatches = 0
    package var runningTokens = 0
    package var isDraining = false
    /// What all workers compute together, as measured.
    package var tokensPerSecond = 0.0
    package var counters = BatchCounters()
    /// By model: those that are loaded, and those that have something here yet.
    package var models: [ModelID: ModelSnapshot] = [:]
}
