/// What the queue has done since its start.
///
/// They only grow, and they balance: arrived = admitted + refused, and admitted = the outcomes + the requests without one.
package struct BatchCounters: Hashable, Sendable {
    package var arrived = 0
    package var admitted = 0
    package var refused = 0

    package var completed = 0
    package var cancelled = 0
    package var deadlineExpired = 0
    package var workerFailed = 0
    package var abandoned = 0

    package var batches = 0
    /// Rows given to workers, and their tokens.
    package var itemsStarted = 0
    package var tokensStarted = 0
    /// Items of requests that got their row.
    package var itemsDelivered = 0
    /// Items that joined an equal one instead of being queued themselves.
    package var itemsShared = 0
    /// Batches that had helpers.
    package var gangs = 0
    /// Times that an idle worker began to help with a batch, and that a helper was called away.
    package var joins = 0
    package var recalls = 0
    /// Batches that ran between two layers of another.
    package var interrupts = 0

    package init() {}

    package var outcomes: Int {
        completed + cancelled + deadlineExpired + workerFailed + abandoned
    }

    mutating func count(_ failure: BatchQueue.Failure) {
        switch failure {
        case .cancelled: cancelled += 1
        case .deadlineExpired: deadlineExpired += 1
        case .workerFailed: workerFailed += 1
        case .abandoned: abandoned += 1
        }
    }
}
