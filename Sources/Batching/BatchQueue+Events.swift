import Platform

extension BatchQueue {
    /// What happens to the queue.
    package enum Event: Sendable {
        case arrive(Arrival)
        case cancel(RequestID)
        /// A worker exists and has nothing to do; said once for each, at its start.
        case workerFree(Int)
        /// A batch has come to a point between two layers, where another can run before it goes on.
        case layerDone(BatchID)
        /// A batch ended; its workers are free by that.
        case batchDone(BatchID, succeeded: Bool)
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
        case start(Batch)
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
        package var tokensToCome = 0
        /// Between 0 and 1: spreads the returns of those who are refused.
        package var jitter = 0.0

        package init(request: RequestID, tokenCounts: [Int]) {
            self.request = request
            self.tokenCounts = tokenCounts
        }
    }

    package struct Batch: Hashable, Sendable {
        package var id: BatchID
        package var worker: Int
        /// Idle workers that lend a hand.
        package var helpers: [Int] = []
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
