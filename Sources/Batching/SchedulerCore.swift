import Platform
import Synchronization

/// The part of the scheduler that its threads hold: the queue under its lock, doorbells around it.
final class SchedulerCore: Sendable {
    typealias State = SchedulerState

    let state: Locked<State>
    /// One for each compute thread; rung when there is a job for it, or something to look at.
    let doorbells: [Semaphore]
    /// One for each compute thread, set by the queue when it is to stop helping.
    let recalls: [Recall]
    let observer: (any BatchObserver)?
    /// Items in the queue as of the last step, to be looked at without the lock.
    let queuedItems = Atomic<Int>(0)
    private let mayInterrupt: Bool
    /// Counts the times that workers were to look at the models anew.
    let modelsVersion = Atomic<Int>(0)

    init(configuration: BatchConfiguration, workers: Int, observer: (any BatchObserver)?) {
        let recalls = (0..<workers).map { _ in Recall() }
        self.recalls = recalls
        state = Locked(State(configuration: configuration, recalls: recalls))
        doorbells = (0..<workers).map { _ in Semaphore() }
        self.observer = observer
        mayInterrupt = !configuration.interruptTokensMaxima.isEmpty
    }

    var snapshot: BatchSnapshot { state.withLock { $0.queue.snapshot } }

    /// Whether a worker at a layer's end should ask for a batch that may interrupt its own.
    var hasCauseToInterrupt: Bool { mayInterrupt && queuedItems.load(ordering: .relaxed) > 0 }

    func start(makeWorker: @escaping @Sendable (Int) -> AnyWorker) {
        let threads = doorbells.indices.map { index in
            NamedThread(name: "quiver-compute-\(index)") {
                self.serve(index, makeWorker(index))
            }
        }
        state.withLock { $0.threads = threads }
    }

    func submit(
        _ request: BatchRequest<AnyItem>, flow: SliceFlow<AnyRow>? = nil,
        completion: @escaping State.Completion
    ) -> Result<Ticket, AdmissionRefusal> {
        precondition(
            request.items.count == request.tokenCounts.count, "one token count for each item")
        let (result, effects) = state.withLock { state in
            let arrival = state.register(request, flow, now: .now, completion)
            let (actions, effects) = step(.arrive(arrival), in: &state)
            for case .refuse(arrival.request, let refusal) in actions {
                return (Result<Ticket, AdmissionRefusal>.failure(refusal), effects)
            }
            return (.success(Ticket(request: arrival.request)), effects)
        }
        carryOut(effects)
        return result
    }

    /// Wakes an idle thread for a request that is about to be submitted.
    ///
    /// Not one that stays on the processor of the calling thread: it would only take it.
    func expectRequest() {
        perform(.expect(otherThan: NamedThread.currentProcessor))
    }

    func perform(_ event: BatchQueue.Event) {
        carryOut(state.withLock { step(event, in: &$0).effects })
    }

    /// Takes one step of the queue and carries out on the tables what need not wait for the lock.
    ///
    /// The lock is held, so that times are in the order of the steps.
    func step(
        _ event: BatchQueue.Event, in state: inout State, of ended: State.Ended? = nil
    ) -> (actions: [BatchQueue.Action], effects: [State.Effect]) {
        let now = MonotonicTime.now
        let actions = state.queue.step(event, now: now)
        queuedItems.store(state.queue.queuedItems, ordering: .relaxed)
        return (actions, state.apply(actions, of: ended, now: now))
    }

    func drain(onDrained: @escaping @Sendable () -> Void) {
        state.withLock { $0.onDrained.append(onDrained) }
        perform(.drain)
    }

    /// Has every worker look at the models anew: the idle ones now, the others between two batches.
    func announceModels() {
        modelsVersion.add(1, ordering: .releasing)
        for doorbell in doorbells { doorbell.signal() }
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

    /// Wakes who has work first, then tells those who wait for answers.
    func carryOut(_ effects: [State.Effect], on worker: Int? = nil) {
        for case .wake(let index) in effects where index != worker { doorbells[index].signal() }
        for effect in effects {
            switch effect {
            case .wake: break
            case .finish(let completion, let result, let model, let timings):
                observer?.requestFinished(
                    RequestOutcome(result), model: model, timings: timings)
                completion(result, timings)
            case .refused(let reason, let model):
                observer?.requestRefused(reason, model: model)
            case .slice(let call, let number, let rows): call(number, rows)
            case .wantMore(let call, let ticket): call(ticket)
            case .drained(let call): call()
            }
        }
    }
}

extension SchedulerState {
    /// Enters the request in the tables, and answers what the queue is to know of it.
    mutating func register(
        _ request: BatchRequest<AnyItem>, _ flow: SliceFlow<AnyRow>?, now: MonotonicTime,
        _ completion: @escaping Completion
    ) -> BatchQueue.Arrival {
        let id = RequestID(nextRequest)
        nextRequest += 1
        admitted[id] = Admitted(
            items: request.items, rows: Array(repeating: nil, count: request.items.count),
            contentKeys: request.contentKeys, model: request.model,
            timings: BatchTimings(admitted: now, started: nil, finished: now),
            flow: flow, completion: completion)
        admitted[id]?.slices = flow == nil ? [] : [Slice(items: 0..<request.items.count)]
        var arrival = BatchQueue.Arrival(request: id, tokenCounts: request.tokenCounts)
        arrival.contents = request.contentKeys.map { contents.acquire($0) }
        arrival.model = request.model
        arrival.client = request.client
        arrival.priority = request.priority
        arrival.deadline = request.deadline
        if flow != nil {
            arrival.itemsToCome = request.itemsToCome
            arrival.tokensToCome = request.tokensToCome
        }
        arrival.jitter = jitter.next()
        return arrival
    }
}
