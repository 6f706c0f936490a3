import Platform

/// What the scheduler's lock guards: the queue and the tables that hang on it.
struct SchedulerState {
    typealias Completion = BatchScheduler<AnyItem, AnyRow>.Completion

    /// What a compute thread is to do next.
    enum Job {
        case run(BatchQueue.Batch, items: [AnyItem], team: ComputeTeam?)
        /// Takes parts of that batch, until it ends or the thread is called away.
        case help(ComputeTeam, BatchID)
    }

    /// A batch that has been computed.
    struct Ended {
        var started: MonotonicTime
        var result: Result<[AnyRow], any Error>
    }

    /// An admitted request: its items until they start, its rows as they come.
    struct Admitted {
        var items: [AnyItem?]
        var rows: [AnyRow?]
        /// Nil for items whose rows have been handed out.
        var contentKeys: [ContentKey?]
        let model: ModelID
        var timings: BatchTimings
        /// Whether its start is when a thread began, and not when it was told to: it may have been asleep.
        var isStartKnown = false
        let flow: SliceFlow<AnyRow>?
        /// Those that have come, when it flows.
        var slices: [Slice] = []
        var completion: Completion
    }

    /// Something to do when the lock is free again.
    enum Effect {
        case wake(Int)
        case finish(Completion, Result<[AnyRow], BatchFailure>, ModelID, BatchTimings)
        case refused(AdmissionRefusal.Reason, ModelID)
        case slice(@Sendable (Int, [AnyRow]) -> Void, Int, [AnyRow])
        case wantMore(@Sendable (Ticket) -> Void, Ticket)
        case drained(@Sendable () -> Void)
    }

    var queue: BatchQueue
    var admitted: [RequestID: Admitted] = [:]
    /// For each compute thread, what it has not taken yet.
    var assigned: [Job?]
    /// Of the batches that run, where there are threads that could help.
    var teams: [BatchID: ComputeTeam] = [:]
    /// One for each compute thread: set when it is to stop helping.
    let recalls: [Recall]
    private let mayGang: Bool
    /// Content keys of admitted requests, as the numbers by which the queue knows them.
    var contents = Interner<ContentKey>()
    var nextRequest: UInt64 = 0
    var jitter = Jitter()
    var onDrained: [@Sendable () -> Void] = []
    var isStopping = false
    var threads: [NamedThread] = []

    init(configuration: BatchConfiguration, recalls: [Recall]) {
        queue = BatchQueue(configuration: configuration)
        assigned = Array(repeating: nil, count: recalls.count)
        self.recalls = recalls
        mayGang = recalls.count > 1 && configuration.handTokensMinimum != nil
    }

    /// Carries out the queue's actions on the tables; what must wait for the lock is returned.
    mutating func apply(
        _ actions: [BatchQueue.Action], of ended: Ended? = nil, now: MonotonicTime
    ) -> [Effect] {
        var effects: [Effect] = []
        for action in actions {
            switch action {
            case .admit, .discard: break
            case .refuse(let id, let refusal):
                guard let request = forget(id) else { continue }
                effects.append(.refused(refusal.reason, request.model))
            case .start(let batch): start(batch, now: now, &effects)
            case .join(let worker, let id):
                guard let team = teams[id] else { continue }
                team.expectHelper()
                recalls[worker].clear()
                assigned[worker] = .help(team, id)
                effects.append(.wake(worker))
            case .rouse(let worker): effects.append(.wake(worker))
            case .leave(let worker, _): recalls[worker].set()
            case .deliver(_, let row, let item):
                deliver(row, to: item, of: ended)
                if let slice = takeSlice(of: item) { effects.append(slice) }
            case .wantsMore(let id):
                guard let flow = admitted[id]?.flow else { continue }
                effects.append(.wantMore(flow.wantsMore, Ticket(request: id)))
            case .complete(let id):
                guard let request = forget(id) else { continue }
                let rows = request.flow == nil ? request.rows.compactMap { $0 } : []
                effects.append(end(request, .success(rows), now))
            case .fail(let id, let failure):
                guard let request = forget(id) else { continue }
                effects.append(end(request, .failure(error(failure, ended)), now))
            case .drained:
                effects += onDrained.map { .drained($0) }
                onDrained = []
            }
        }
        return effects
    }

    private mutating func start(
        _ batch: BatchQueue.Batch, now: MonotonicTime, _ effects: inout [Effect]
    ) {
        let items = batch.items.compactMap { item -> AnyItem? in
            if admitted[item.request]?.timings.started == nil {
                admitted[item.request]?.timings.started = now
            }
            return admitted[item.request]?.items[item.index].take()
        }
        let team = mayGang ? ComputeTeam(width: assigned.count, helpers: 0) : nil
        teams[batch.id] = team
        assigned[batch.worker] = .run(batch, items: items, team: team)
        // An interrupting batch is fetched by its worker, which asked for it.
        if batch.interrupts == nil { effects.append(.wake(batch.worker)) }
    }

    private mutating func deliver(_ row: Int, to item: ItemReference, of ended: Ended?) {
        guard let ended, case .success(let outputs) = ended.result else { return }
        admitted[item.request]?.rows[item.index] = outputs[row]
        guard let timings = admitted[item.request]?.timings else { return }
        // The batch may have begun before the request came, for somebody else's equal text.
        var started = max(ended.started, timings.admitted)
        if admitted[item.request]?.isStartKnown == true, let known = timings.started {
            started = min(started, known)
        }
        admitted[item.request]?.timings.started = started
        admitted[item.request]?.isStartKnown = true
    }

    private mutating func forget(_ id: RequestID) -> Admitted? {
        guard let request = admitted.removeValue(forKey: id) else { return nil }
        for key in request.contentKeys { key.map { contents.release($0) } }
        return request
    }

    private func end(
        _ request: Admitted, _ result: Result<[AnyRow], BatchFailure>, _ now: MonotonicTime
    ) -> Effect {
        var timings = request.timings
        timings.finished = now
        return .finish(request.completion, result, request.model, timings)
    }

    private func error(_ failure: BatchQueue.Failure, _ ended: Ended?) -> BatchFailure {
        switch (failure, ended?.result) {
        case (.cancelled, _): .cancelled
        case (.deadlineExpired, _): .deadlineExpired
        case (.workerFailed, .failure(let error)): .workerFailed(error)
        case (.abandoned, _), (.workerFailed, _): .abandoned
        }
    }
}

/// Numbers from 0 up to 1 that spread what would else happen at once.
///
/// Every request takes one, so it is a multiplication and not a call of the system: what comes
/// next is no secret (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
struct Jitter {
    private var state = UInt64.random(in: 0 ... .max)

    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return Double((bits ^ bits >> 31) >> 11) * 0x1p-53
    }
}

/// Small numbers for values, the same number for equal values as long as one of them is in use.
struct Interner<Value: Hashable> {
    private var entries: [Value: (number: UInt64, uses: Int)] = [:]
    private var next: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }

    mutating func acquire(_ value: Value) -> UInt64 {
        if let number = entries[value]?.number {
            entries[value]?.uses += 1
            return number
        }
        next += 1
        entries[value] = (next, 1)
        return next
    }

    mutating func release(_ value: Value) {
        guard let uses = entries[value]?.uses else { return }
        if uses > 1 { entries[value]?.uses = uses - 1 } else { entries[value] = nil }
    }
}

extension RequestOutcome {
    init(_ result: Result<[AnyRow], BatchFailure>) {
        switch result {
        case .success: self = .completed
        case .failure(.cancelled): self = .cancelled
        case .failure(.deadlineExpired): self = .deadlineExpired
        case .failure(.workerFailed): self = .workerFailed
        case .failure(.abandoned): self = .abandoned
        }
    }
}
