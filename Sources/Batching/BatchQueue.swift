import Platform

/// The dynamic batching queue as a value: what happened, and when, goes in; what to do comes out.
///
/// No clock, lock, thread or randomness inside. A worker's batch is formed at the moment the worker
/// is free, from what is there. The order is shortest remaining work first, with a surcharge for
/// clients who were given more than others; up to half of the work goes to those whom waiting has
/// brought to the front; docs/batching.md has the reasons.
package struct BatchQueue {
    package let configuration: BatchConfiguration

    var requests: [RequestID: Request] = [:]
    /// Items that are the same work, by the number the driver gave it.
    var works: [UInt64: SharedWork] = [:]
    var deadlines = IndexedHeap<RequestID, MonotonicTime>()
    var models: [ModelID: ClientLanes] = [:]
    var modelShare: FairShare<ModelID>
    var terms: [ModelID: ModelTerms] = [:]
    var clients: [ClientKey: ClientUse] = [:]
    var queued: QueuedWork
    /// Tokens that admitted requests have announced and not brought yet: the queue's room is theirs.
    var reservedTokens = 0
    /// Requests whose next slice is due, since the last step.
    var hungry: [RequestID] = []
    var running: [BatchID: Running] = [:]
    /// Idle workers; the last one to become idle goes first, its caches are warm.
    var free: [Int] = []
    var workerCount = 0
    /// Workers that help with a batch, and those of them that were called away.
    var lentCount = 0
    var leavingCount = 0
    var nextBatch: UInt64 = 0
    /// Tokens that the oldest may lead: its share of those that the shortest led while it was not
    /// the oldest, less what the oldest led beyond its share; above zero, the oldest leads.
    var ageCredit = 0.0
    var throughput: ThroughputEstimate
    var lastStep = MonotonicTime(nanoseconds: .min)
    var hasReportedDrained = false
    package var isDraining = false
    package var counters = BatchCounters()

    package init(configuration: BatchConfiguration) {
        self.configuration = configuration
        modelShare = FairShare(excessMaximum: Double(configuration.excessTokensMaximum))
        queued = QueuedWork(tokensMaximum: configuration.orderTokensMaximum)
        throughput = ThroughputEstimate(guess: configuration.tokensPerSecond)
    }

    /// Takes one event.
    ///
    /// Times never go back: an earlier `now` counts as the last one.
    package mutating func step(_ event: Event, now: MonotonicTime) -> [Action] {
        let now = max(now, lastStep)
        lastStep = now
        var actions: [Action] = []
        expire(now: now, &actions)
        switch event {
        case .arrive(let arrival): arrive(arrival, now: now, &actions)
        case .expect(let worker): rouse(otherThan: worker, &actions)
        case .extend(let slice): extend(slice, &actions)
        case .cancel(let id): end(id, .cancelled, &actions)
        case .workerFree(let worker):
            workerCount += 1
            free.append(worker)
        case .layerDone(let id): interrupt(id, now: now, &actions)
        case .helperLeft(let worker, let id): helperLeft(worker, id, now: now)
        case .batchDone(let id, let succeeded): finish(id, succeeded, now: now, &actions)
        case .terms(let model, let terms): setTerms(terms, of: model)
        case .tick: break
        case .drain: startDraining()
        case .abandon:
            startDraining()
            for id in requests.keys.sorted() { end(id, .abandoned, &actions) }
        }
        startBatches(now: now, &actions)
        lendIdleWorkers(now: now, &actions)
        recallHelpers(now: now, &actions)
        askForSlices(&actions)
        reportDrained(&actions)
        return actions
    }

    /// Has the worker wake up that will take what comes next, if there is one and it is not the given one.
    ///
    /// No other is chosen for it: its processor may be busy with something that nobody here knows of.
    private func rouse(otherThan worker: Int, _ actions: inout [Action]) {
        guard queued.items == 0, let next = free.last, next != worker else { return }
        actions.append(.rouse(worker: next))
    }

    private mutating func startDraining() {
        isDraining = true
        hasReportedDrained = false
    }

    private mutating func reportDrained(_ actions: inout [Action]) {
        guard isDraining, requests.isEmpty, !hasReportedDrained else { return }
        hasReportedDrained = true
        actions.append(.drained)
    }
}

extension BatchQueue {
    struct Item {
        enum Stage { case queued, running, delivered }

        var tokens: Int
        var stage = Stage.queued
    }

    struct Request {
        let model: ModelID
        let client: ClientKey
        let priority: Priority
        /// What its priority sets it back by, in tokens.
        let penalty: Double
        /// When it came, in what waiting is worth: tokens.
        let arrival: Double
        /// What later slices bring.
        var itemsToCome: Int
        var tokensToCome: Int
        /// Whether its next slice has been asked for.
        var isAwaited = false
        /// One number for each item, or none at all.
        var contents: [UInt64]
        var items: [Item]
        /// No item before this one is queued.
        var cursor = 0
        var queuedItems: Int
        var queuedTokens: Int
        var undelivered: Int
    }

    /// One computation that several items wait for.
    struct SharedWork {
        var tokens: Int
        var isRunning = false
        var subscribers: [ItemReference] = []
    }

    /// What one client has in here.
    struct ClientUse {
        var requests = 0
        /// Tokens of its items that have not started.
        var tokens = 0
    }

    struct Running {
        var batch: Batch
        /// The shared work of each row, where there is one.
        var contents: [UInt64?]
        var started: MonotonicTime
        /// Tokens that were computed until `settled`, about.
        var doneTokens = 0.0
        var settled: MonotonicTime
        var helpers: [Helper] = []
        var wasHelped = false
        /// The batch that runs between two layers of this one now.
        var interruptedBy: BatchID?
        /// Of all that ran between its layers, and between theirs.
        var interruptedTokens = 0
        var interruptedTime = TimeSpan.zero

        /// How many compute it.
        var hands: Int { helpers.count + 1 }
    }
}

extension BatchQueue {
    package var queuedItems: Int { queued.items }
    package var queuedTokens: Int { queued.uniqueTokens }

    package var snapshot: BatchSnapshot {
        var snapshot = BatchSnapshot()
        snapshot.queuedRequests = queued.requests
        snapshot.queuedTokens = queued.uniqueTokens
        snapshot.announcedTokens = reservedTokens
        snapshot.admittedRequests = requests.count
        snapshot.runningBatches = running.count
        snapshot.runningTokens = runningTokens
        snapshot.isDraining = isDraining
        snapshot.tokensPerSecond = throughput.tokensPerSecond * Double(workerCount)
        snapshot.counters = counters
        snapshot.models = modelSnapshots
        return snapshot
    }

    var runningTokens: Int { running.values.reduce(0) { $0 + $1.batch.tokens } }

    /// What the request competes with, before its client's account.
    func standing(of request: Request) -> Standing {
        let work = min(
            request.queuedTokens + request.tokensToCome, configuration.orderTokensMaximum)
        return Standing(work: request.penalty + Double(work), arrival: request.arrival)
    }
}

extension BatchQueue {
    /// Whether the tables hold nothing any more.
    ///
    /// For tests: so it must be when every request has its outcome and every batch its end.
    package var isForgotten: Bool {
        requests.isEmpty && works.isEmpty && deadlines.isEmpty && clients.isEmpty
            && running.isEmpty && queued.requests == 0 && queued.items == 0
            && queued.uniqueTokens == 0 && reservedTokens == 0 && hungry.isEmpty
            && models.values.allSatisfy { $0.requestCount == 0 }
            && (terms.isEmpty || models.keys.allSatisfy { terms[$0] != nil })
            && free.count == workerCount && lentCount == 0 && leavingCount == 0
    }
}
