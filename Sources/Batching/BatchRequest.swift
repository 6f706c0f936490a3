import Platform

/// What a caller hands to the scheduler: texts, their lengths, and who asks how urgently.
package struct BatchRequest<Item: Sendable>: Sendable {
    package var items: [Item]
    /// Tokens of each item, in the same order; each at least 1.
    package var tokenCounts: [Int]
    /// What makes two items the same work; empty when nothing is to be shared.
    package var contentKeys: [ContentKey]
    package var model = ModelID(0)
    package var client = ClientKey.anonymous
    package var priority = Priority.interactive
    /// When the answer has lost its worth; nil takes the configuration's default.
    package var deadline: MonotonicTime?
    /// Tokens of the same caller's request that will be submitted later (it flows in slices): they
    /// count for the order, so that a slice of a large request is not taken for a small one.
    package var tokensToCome = 0

    package init(items: [Item], tokenCounts: [Int], contentKeys: [ContentKey] = []) {
        self.items = items
        self.tokenCounts = tokenCounts
        self.contentKeys = contentKeys
    }
}

/// A handle on an admitted request, good for cancelling it.
package struct Ticket: Hashable, Sendable {
    package var request: RequestID
}

/// Why a request was not admitted, and when to try again.
package struct AdmissionRefusal: Error, Hashable, Sendable {
    package enum Reason: Hashable, CaseIterable, Sendable {
        /// The queue holds as many tokens as it may.
        case queueTokensFull
        /// The queue holds as many requests as it may.
        case queueRequestsFull
        /// This client has its share of the queue and more.
        case clientShareFull
        /// The work in front of it would take longer than a request may wait.
        case waitTooLong
        /// It would not be done by its own deadline.
        case deadlineTooShort
        /// No queue of this configuration can ever hold it, or it is malformed (no items, a count
        /// below 1, arrays of different lengths).
        case requestTooLarge
        /// The server finishes what it has and takes nothing new.
        case draining
    }

    package var reason: Reason
    /// An estimate of when there will be room, with the caller's jitter in it; zero when waiting
    /// does not help.
    package var retryAfter: TimeSpan

    package init(reason: Reason, retryAfter: TimeSpan) {
        self.reason = reason
        self.retryAfter = retryAfter
    }
}

/// How an admitted request can end without an answer.
package enum BatchFailure: Error, Sendable {
    /// `cancel` was called.
    case cancelled
    /// Its deadline came first.
    case deadlineExpired
    /// The worker threw while it computed a batch with one of the request's items in it.
    case workerFailed(any Error)
    /// The drain's own deadline came first.
    case abandoned
}

/// When things happened to one admitted request.
package struct BatchTimings: Hashable, Sendable {
    package var admitted: MonotonicTime
    /// When its first item was put on a worker; nil when none was.
    package var started: MonotonicTime?
    package var finished: MonotonicTime

    /// From admission to the start of the first item, or to the end when none started.
    package var wait: TimeSpan { (started ?? finished).interval(since: admitted) }

    /// From the start of the first item to the end; zero when none started.
    package var compute: TimeSpan { started.map { finished.interval(since: $0) } ?? .zero }
}
