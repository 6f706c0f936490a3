import Platform
import Synchronization

/// The part of the scheduler that its threads hold: the queue under its lock, and what hangs on it.
final class SchedulerCore<Item: Sendable, Output: Sendable>: Sendable {
    typealias Completion = BatchScheduler<Item, Output>.Completion

    /// One batch on its way to a worker.
    struct Job {
        var batch: BatchQueue.Batch
        var items: [Item]
    }

    /// An admitted request: its items until they start, its rows as they come.
    struct Admitted {
        var items: [Item?]
        var rows: [Output?]
        var timings: BatchTimings
        var completion: Completion
    }

    /// Something to do when the lock is free again.
    enum Effect {
        case wake(Int)
        case finish(Completion, Result<[Output], BatchFailure>, BatchTimings)
        case refused(AdmissionRefusal.Reason)
        case drained(@Sendable () -> Void)
    }

    struct State {
        var queue: BatchQueue
        var admitted: [RequestID: Admitted] = [:]
        var assigned: [Job?]
        var nextRequest: UInt64 = 0
        var onDrained: [@Sendable () -> Void] = []
        var isStopping = false
        var threads: [NamedThread] = []
    }

    let state: Mutex<State>
    let doorbells: [Semaphore]
    let observer: (any BatchObserver)?

    init(configuration: BatchConfiguration, workers: Int, observer: (any BatchObserver)?) {
        state = Mutex(
            State(
                queue: BatchQueue(configuration: configuration),
                assigned: Array(repeating: nil, count: workers)))
        doorbells = (0..<workers).map { _ in Semaphore() }
        self.observer = observer
    }

    var snapshot: BatchSnapshot { state.withLock { $0.queue.snapshot } }

    func start(makeWorker: @escaping @Sendable (Int) -> any BatchWorker<Item, Output>) {
        let threads = doorbells.indices.map { index in
            NamedThread(name: "quiver-compute-\(index)") {
                self.runWorker(index, makeWorker(index))
            }
        }
        state.withLock { $0.threads = threads }
    }

    func submit(
        _ request: BatchRequest<Item>, completion: @escaping Completion
    ) -> Result<Ticket, AdmissionRefusal> {
        let now = MonotonicTime.now
        let (result, effects) = state.withLock { state in
            let id = RequestID(state.nextRequest)
            state.nextRequest += 1
            var arrival = BatchQueue.Arrival(request: id, tokenCounts: request.tokenCounts)
            arrival.model = request.model
            arrival.client = request.client
            arrival.priority = request.priority
            arrival.deadline = request.deadline
            arrival.tokensToCome = request.tokensToCome
            arrival.jitter = Double.random(in: 0..<1)
            state.admitted[id] = Admitted(
                items: request.items, rows: Array(repeating: nil, count: request.items.count),
                timings: BatchTimings(admitted: now, started: nil, finished: now),
                completion: completion)
            let actions = state.queue.step(.arrive(arrival), now: now)
            var effects: [Effect] = []
            state.apply(actions, now: now, effects: &effects)
            for case .refuse(id, let refusal) in actions {
                return (Result<Ticket, AdmissionRefusal>.failure(refusal), effects)
            }
            return (.success(Ticket(request: id)), effects)
        }
        carryOut(effects)
        return result
    }

    func perform(_ event: BatchQueue.Event) {
        let now = MonotonicTime.now
        let effects = state.withLock { state in
            var effects: [Effect] = []
            state.apply(state.queue.step(event, now: now), now: now, effects: &effects)
            return effects
        }
        carryOut(effects)
    }

    func drain(onDrained: @escaping @Sendable () -> Void) {
        state.withLock { $0.onDrained.append(onDrained) }
        perform(.drain)
    }

    func stop() {
        perform(.abandon)
        let threads = state.withLock { state in
            state.isStopping = true
            return state.threads
        }
        for doorbell in doorbells { doorbell.signal() }
        for thread in threads { thread.join() }
    }

    func carryOut(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .wake(let worker): doorbells[worker].signal()
            case .finish(let completion, let result, let timings):
                observer?.requestFinished(RequestOutcome(result), timings: timings)
                completion(result, timings)
            case .refused(let reason): observer?.requestRefused(reason)
            case .drained(let call): call()
            }
        }
    }
}

extension SchedulerCore {
    /// A compute thread's life: wait for a job, compute it, say so, take the next.
    private func runWorker(_ index: Int, _ worker: any BatchWorker<Item, Output>) {
        perform(.workerFree(index))
        while true {
            doorbells[index].wait()
            while let job = state.withLock({ $0.assigned[index].take() }) {
                finish(job, run(job, on: worker))
            }
            if state.withLock({ $0.isStopping }) { return }
        }
    }

    private func run(
        _ job: Job, on worker: any BatchWorker<Item, Output>
    ) -> Result<[Output], any Error> {
        let batch = job.batch
        observer?.batchStarted(
            worker: batch.worker, model: batch.model, items: batch.items.count,
            tokens: batch.tokens)
        let start = MonotonicTime.now
        let result = Result { () throws -> [Output] in
            let outputs = try worker.run(job.items)
            guard outputs.count == job.items.count else {
                throw RowCountError(expected: job.items.count, found: outputs.count)
            }
            return outputs
        }
        var failed = false
        if case .failure = result { failed = true }
        observer?.batchFinished(
            BatchReport(
                worker: batch.worker, model: batch.model, items: batch.items.count,
                tokens: batch.tokens, duration: MonotonicTime.now.interval(since: start),
                failed: failed))
        return result
    }

    private func finish(_ job: Job, _ result: Result<[Output], any Error>) {
        let now = MonotonicTime.now
        let effects = state.withLock { state in
            var effects: [Effect] = []
            let succeeded = (try? result.get()) != nil
            let actions = state.queue.step(
                .batchDone(job.batch.id, succeeded: succeeded), now: now)
            state.apply(actions, of: result, now: now, effects: &effects)
            return effects
        }
        carryOut(effects)
    }
}

extension SchedulerCore.State {
    /// Carries out the queue's actions on the tables; what must wait for the lock goes to `effects`.
    mutating func apply(
        _ actions: [BatchQueue.Action], of result: Result<[Output], any Error>? = nil,
        now: MonotonicTime, effects: inout [SchedulerCore.Effect]
    ) {
        for action in actions {
            switch action {
            case .admit, .discard: break
            case .refuse(let id, let refusal):
                admitted[id] = nil
                effects.append(.refused(refusal.reason))
            case .start(let batch):
                assigned[batch.worker] = job(for: batch, now: now)
                effects.append(.wake(batch.worker))
            case .deliver(_, let row, let item):
                if case .success(let outputs) = result {
                    admitted[item.request]?.rows[item.index] = outputs[row]
                }
            case .complete(let id):
                guard let request = admitted.removeValue(forKey: id) else { continue }
                effects.append(end(request, .success(request.rows.compactMap(\.self)), now))
            case .fail(let id, let failure):
                guard let request = admitted.removeValue(forKey: id) else { continue }
                effects.append(end(request, .failure(failure.asError(result)), now))
            case .drained:
                effects += onDrained.map { .drained($0) }
                onDrained = []
            }
        }
    }

    private mutating func job(
        for batch: BatchQueue.Batch, now: MonotonicTime
    ) -> SchedulerCore.Job {
        let items = batch.items.compactMap { item -> Item? in
            if admitted[item.request]?.timings.started == nil {
                admitted[item.request]?.timings.started = now
            }
            return admitted[item.request]?.items[item.index].take()
        }
        return SchedulerCore.Job(batch: batch, items: items)
    }

    private func end(
        _ request: SchedulerCore.Admitted, _ result: Result<[Output], BatchFailure>,
        _ now: MonotonicTime
    ) -> SchedulerCore.Effect {
        var timings = request.timings
        timings.finished = now
        return .finish(request.completion, result, timings)
    }
}

/// A worker gave back another number of rows than it was given items.
package struct RowCountError: Error, Hashable, Sendable {
    package var expected: Int
    package var found: Int
}

extension BatchQueue.Failure {
    func asError<Output>(_ result: Result<[Output], any Error>?) -> BatchFailure {
        switch self {
        case .cancelled: .cancelled
        case .deadlineExpired: .deadlineExpired
        case .abandoned: .abandoned
        case .workerFailed:
            if case .failure(let error) = result {
                .workerFailed(error)
            } else {
                .abandoned
            }
        }
    }
}

extension RequestOutcome {
    init<Output>(_ result: Result<[Output], BatchFailure>) {
        switch result {
        case .success: self = .completed
        case .failure(.cancelled): self = .cancelled
        case .failure(.deadlineExpired): self = .deadlineExpired
        case .failure(.workerFailed): self = .workerFailed
        case .failure(.abandoned): self = .abandoned
        }
    }
}
