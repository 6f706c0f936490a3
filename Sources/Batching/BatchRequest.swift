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
    /// Items that are brought later, in slices, and at most so many tokens in them.
    ///
    /// They are admitted with the first slice, and count for its rank. Only with a `SliceFlow`.
    package var itemsToCome = 0
    package var tokensToCome = 0

    package init(items: [Item], tokenCounts: [Int], contentKeys: [ContentKey] = []) {
        self.items = items
        self.tokenCounts = tokenCounts
        self.contentKeys = contentKeys
    }
}

/// The next part of a request that was admitted with `itemsToCome`.
package struct BatchSlice<Item: Sendable>: Sendable {
    /// May be empty, when its items turned out to need no work.
    package var items: [Item]
    /// Tokens of each item; in all no more than were announced.
    package var tokenCounts: [Int]
    /// As in the request: one for each item, or none in any slice.
    package var contentKeys: [ContentKey]
    /// What is still to come after this slice; with no items, the request is complete.
    package var itemsToCome = 0
    package var tokensToCome = 0

    package init(items: [Item], tokenCounts: [Int], contentKeys: [ContentKey] = []) {
        self.items = items
        self.tokenCounts = tokenCounts
        self.contentKeys = contentKeys
    }
}

/// What the scheduler calls for a request that flows in slices; never under its lock.
package struct SliceFlow<Output: Sendable>: Sendable {
    /// Little of the request waits yet: `extend` it, from any thread.
    ///
    /// Called once for each slice after the first; must be quick.
    package var wantsMore: @Sendable (Ticket) -> Void
    /// The rows of a slice that had items, counted from 0: as soon as its last one is there.
    ///
    /// Slices may end in any order, on several threads at once, and also while or after the
    /// request's completion is called on another thread.
    package var sliceDone: @Sendable (Int, [Output]) -> Void

    package init(
        wantsMore: @escaping @Sendable (Ticket) -> Void,
        sliceDone: @escaping @Sendable (Int, [Output]) -> Void
    ) {
        self.wantsMore = wantsMore
        self.sliceDone = sliceDone
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
    /// When a worker began with its first item, or was given it if none has ended; nil when none was.
    package var started: MonotonicTime?
    package var finished: MonotonicTime

    /// From admission to the start of the first item, or to the end when none started.
    package var wait: TimeSpan { (started ?? finished).interval(since: admitted) }

    /// From the start of the first item to the end; zero when none started.
    package var compute: TimeSpan { started.map { finished.interval(since: $0) } ?? .zero }
}
