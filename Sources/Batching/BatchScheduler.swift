import Platform

/// The queue with threads: submits from anywhere, computes on its own named threads.
///
/// Every admitted request's completion is called exactly once and never under the scheduler's
/// lock: on the compute thread that finished it, or, for a cancelled or abandoned request, in the
/// call that ended it. The threads live until `stop`.
package final class BatchScheduler<Item: Sendable, Output: Sendable>: Sendable {
    package typealias Completion =
        @Sendable (
            Result<[Output], BatchFailure>, BatchTimings
        ) -> Void

    let core: SchedulerCore

    /// Starts `workers` threads named "quiver-compute-0" and up; each makes its own worker, so that
    /// its memory is first touched where it will be used.
    package init(
        configuration: BatchConfiguration, workers: Int, observer: (any BatchObserver)? = nil,
        makeWorker: @escaping @Sendable (Int) -> any BatchWorker<Item, Output>
    ) throws(BatchConfigurationError) {
        guard workers >= 1 else {
            throw BatchConfigurationError(key: "workers", problem: "at least 1, not \(workers)")
        }
        core = SchedulerCore(
            configuration: try configuration.validated(), workers: workers, observer: observer)
        core.start { AnyWorker(makeWorker($0)) }
    }

    /// Admits the whole request or refuses it, at once.
    package func submit(
        _ request: BatchRequest<Item>, completion: @escaping Completion
    ) -> Result<Ticket, AdmissionRefusal> {
        core.submit(request.erased, completion: Self.erased(completion))
    }

    /// Admits the whole of a request that is brought in slices, or refuses it.
    ///
    /// Its rows go to `flow.sliceDone`; on success the completion gets none.
    package func submit(
        _ request: BatchRequest<Item>, flow: SliceFlow<Output>, completion: @escaping Completion
    ) -> Result<Ticket, AdmissionRefusal> {
        core.submit(request.erased, flow: flow.erased, completion: Self.erased(completion))
    }

    private static func erased(
        _ completion: @escaping Completion
    ) -> SchedulerState.Completion {
        { result, timings in completion(result.map { $0.map { cast($0) } }, timings) }
    }

    /// Brings the next slice of a request that flows, when its `wantsMore` was called.
    ///
    /// Nothing happens when the request has ended meanwhile. A slice of more than was announced ends
    /// it as abandoned.
    package func extend(_ ticket: Ticket, with slice: BatchSlice<Item>) {
        core.extend(ticket, with: slice.erased)
    }

    /// Wakes an idle thread for a request that will be submitted within some tens of microseconds.
    ///
    /// A thread that sleeps needs about as long to wake up as a short text to be parsed and tokenized;
    /// so both go on at once. When nothing comes the thread sleeps again.
    package func expectRequest() {
        core.expectRequest()
    }

    /// Ends the request with `.cancelled`, before this returns, unless it has ended already; items
    /// that have not started are never computed.
    package func cancel(_ ticket: Ticket) {
        core.perform(.cancel(ticket.request))
    }

    /// Lets the queue notice deadlines that have passed.
    ///
    /// Batches' ends do the same, so this matters only when all workers are in long batches; once
    /// in 50 ms is plenty.
    package func tick() {
        core.perform(.tick)
    }

    /// Refuses new requests from now on and calls `onDrained` once, when the last admitted one has
    /// its outcome: at once when there is none.
    package func drain(onDrained: @escaping @Sendable () -> Void) {
        core.drain(onDrained: onDrained)
    }

    /// Drains and waits for it; false when `deadline` came first (then `abandon` ends the rest).
    package func drain(until deadline: MonotonicTime) -> Bool {
        let done = Semaphore()
        drain { done.signal() }
        return done.wait(until: deadline)
    }

    /// Ends every admitted request without an outcome as `.abandoned`, and drains.
    package func abandon() {
        core.perform(.abandon)
    }

    /// Abandons what is left, ends the compute threads and waits for them.
    ///
    /// Call it once, and not from a completion.
    package func stop() {
        core.stop()
    }

    /// Serves the model on these terms from now on; nil when it was unloaded.
    package func setTerms(_ terms: ModelTerms?, of model: ModelID) {
        core.perform(.terms(model, terms))
    }

    /// Has every worker's `modelsChanged` called soon, on its own thread.
    package func announceModels() {
        core.announceModels()
    }

    package var isIdle: Bool { snapshot.admittedRequests == 0 }

    package var snapshot: BatchSnapshot { core.snapshot }
}
