import Platform

extension BatchQueue {
    /// What happens to the queue.
    package enum Event: Sendable {
        case arrive(Arrival)
        /// A request is about to arrive, in a moment; the given worker cannot begin at once.
        case expect(otherThan: Int)
        /// The next slice of a request that was admitted before all of it was there.
        case extend(Slice)
        case cancel(RequestID)
        /// A worker exists and has nothing to do; said once for each, at its start.
        case workerFree(Int)
        /// A batch has come to a point between two layers, where another can run before it goes on.
        case layerDone(BatchID)
        /// A helper that was to leave this batch takes no parts of it any more, and is free.
        case helperLeft(worker: Int, BatchID)
        /// A batch ended; its worker and its helpers are free by that.
        case batchDone(BatchID, succeeded: Bool)
        /// The model is loaded and served on these terms; nil when it was unloaded.
        case terms(ModelID, ModelTerms?)
        /// Time has passed.
        case tick
        /// Admit nothing from now on; finish what is there.
        case drain
        /// End everything that has no outcome yet.
        case abandon
    }

    /// What its driver must do, in order.
    package enum Action: Hashable, Sendable {
        case admit(RequestID)
        case refuse(RequestID, AdmissionRefusal)
        /// Little of what has come of this request waits yet: its next slice is due.
        case wantsMore(RequestID)
        case start(Batch)
        /// This idle worker had better be awake: it will be the first to have work.
        case rouse(worker: Int)
        /// An idle worker takes parts of this batch from now on, until it ends or `leave`.
        case join(worker: Int, BatchID)
        /// The helper is wanted elsewhere: it says `helperLeft` when it is out of its part.
        case leave(worker: Int, BatchID)
        /// Nobody waits for this batch any more; its worker may end it as failed.
        case discard(BatchID)
        /// The batch's row `row` is the output for this item.
        case deliver(BatchID, row: Int, to: ItemReference)
        /// All items of the request have been delivered.
        case complete(RequestID)
        case fail(RequestID, Failure)
        /// Draining, and nothing is left.
        case drained
    }

    package struct Arrival: Sendable {
        package var request: RequestID
        package var tokenCounts: [Int]
        /// Items with equal numbers are the same work and are computed once while one of them is
        /// in the queue; empty when nothing is shared.
        package var contents: [UInt64] = []
        package var model = ModelID(0)
        package var client = ClientKey.anonymous
        package var priority = Priority.interactive
        package var deadline: MonotonicTime?
        /// Items that come in later slices, and at most so many tokens in them.
        package var itemsToCome = 0
        package var tokensToCome = 0
        /// Between 0 and 1: spreads the returns of those who are refused.
        package var jitter = 0.0

        package init(request: RequestID, tokenCounts: [Int]) {
            self.request = request
            self.tokenCounts = tokenCounts
        }
    }

    /// What comes later of a request that was admitted as a whole.
    package struct Slice: Sendable {
        package var request: RequestID
        /// May be empty, when its items turned out to need no work.
        package var tokenCounts: [Int]
        /// As in the arrival: one for each item, or none in the whole request.
        package var contents: [UInt64] = []
        /// What is still to come after this slice; with none, the request is complete.
        package var itemsToCome = 0
        package var tokensToCome = 0

        package init(request: RequestID, tokenCounts: [Int]) {
            self.request = request
            self.tokenCounts = tokenCounts
        }
    }

    package struct Batch: Hashable, Sendable {
        package var id: BatchID
        package var worker: Int
        /// The longer batch on the same worker that waits for this one.
        package var interrupts: BatchID?
        package var model: ModelID
        /// One item for each row; others may share it.
        package var items: [ItemReference]
        package var tokens: Int
    }

    package enum Failure: Hashable, Sendable {
        case cancelled, deadlineExpired, workerFailed, abandoned
    }
}
