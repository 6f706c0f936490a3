import Batching
import Platform

/// An invariant that did not hold.
struct Violation: Error, CustomStringConvertible {
    var description: String
}

/// The truth about the queue, kept naively beside it from what went in and what came out.
///
/// It knows no rank, heap or lane; it throws at the first action that no right queue could take.
struct Ledger {
    enum Stage: Equatable {
        case queued
        case running(BatchID, row: Int)
        case delivered
    }

    struct Entry {
        var arrival: BatchQueue.Arrival
        var arrived: MonotonicTime
        var deadline: MonotonicTime?
        var stages: [Stage]
        var order: Int
        /// Tokens of batches that latecomers led, since the last that somebody else led.
        var overtaken = 0
        /// Announced for later slices.
        var itemsToCome: Int
        var tokensToCome: Int
        /// Whether the queue has asked for the next slice.
        var isAwaited = false
    }

    let configuration: BatchConfiguration
    var live: [RequestID: Entry] = [:]
    var running: [BatchID: BatchQueue.Batch] = [:]
    /// Tokens that ran between the layers of a batch.
    var interrupted: [BatchID: Int] = [:]
    var idle: Set<Int> = []
    /// Workers that lend a hand.
    var helpers: [Int: Helper] = [:]
    /// Batches that have had helpers.
    var helped: Set<BatchID> = []
    var counters = BatchCounters()
    var terms: [ModelID: ModelTerms] = [:]
    var isDraining = false
    var drainedCount = 0
    private var largestBatch = 0

    init(configuration: BatchConfiguration) {
        self.configuration = configuration
    }

    func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Violation(description: message()) }
    }

    /// Takes in one step: the event, then each action in turn, then what must hold afterwards.
    mutating func record(
        _ event: BatchQueue.Event, _ actions: [BatchQueue.Action], now: MonotonicTime
    ) throws {
        var answered = false
        var ended: BatchQueue.Batch?
        // Taken in behind what has expired by now: that is gone when the slice comes.
        var arriving: BatchQueue.Slice?
        switch event {
        case .arrive: counters.arrived += 1
        case .extend(let slice): arriving = slice
        case .workerFree(let worker): idle.insert(worker)
        case .helperLeft(let worker, let id): helperLeft(worker, id)
        case .batchDone(let id, _):
            ended = running.removeValue(forKey: id)
            if let ended, ended.interrupts == nil { idle.insert(ended.worker) }
            freeHelpers(of: id)
        case .drain, .abandon: isDraining = true
        case .terms(let model, let terms): self.terms[model] = terms
        case .cancel, .tick, .layerDone, .expect: break
        }
        for action in actions {
            if let slice = arriving, !action.isExpiry {
                try extend(slice, actions)
                arriving = nil
            }
            switch action {
            case .admit(let id):
                try admit(id, event, now: now)
                answered = true
            case .refuse(let id, let refusal):
                try refuse(id, refusal, event, now: now)
                answered = true
            case .wantsMore(let id): try want(id)
            case .start(let batch): try start(batch, event, now: now)
            case .rouse(let worker): try rouse(worker, event)
            case .join(let worker, let id): try join(worker, id)
            case .leave(let worker, let id): try leave(worker, id)
            case .discard(let id): try discard(id)
            case .deliver(let id, let row, let item):
                try deliver(id, row, item, ended: ended, event)
            case .complete(let id): try complete(id)
            case .fail(let id, let failure):
                try fail(id, failure, ended: ended, event, now: now)
            case .drained:
                try check(isDraining && live.isEmpty, "drained with requests left")
                drainedCount += 1
            }
        }
        if let slice = arriving { try extend(slice, actions) }
        if case .arrive = event { try check(answered, "an arrival without an answer") }
        try checkRest(event, ended: ended, now: now)
    }

    private mutating func admit(
        _ id: RequestID, _ event: BatchQueue.Event, now: MonotonicTime
    ) throws {
        guard case .arrive(let arrival) = event, arrival.request == id else {
            throw Violation(description: "admitted what did not arrive")
        }
        try check(!isDraining, "admitted while draining")
        let counts = arrival.tokenCounts
        try check(
            !counts.isEmpty && counts.allSatisfy { $0 >= 1 }
                && counts.count <= configuration.requestItemsMaximum, "admitted a malformed request"
        )
        var deadline = configuration.deadlineDefault.map { now.advanced(by: $0) }
        if let named = arrival.deadline {
            deadline = min(named, now.advanced(by: configuration.deadlineMaximum))
        }
        let stages = stages(of: counts, arrival.contents)
        live[id] = Entry(
            arrival: arrival, arrived: now, deadline: deadline, stages: stages,
            order: counters.admitted, itemsToCome: arrival.itemsToCome,
            tokensToCome: arrival.tokensToCome)
        counters.admitted += 1
    }

    /// What becomes of items that are new, with those that share their work counted.
    private mutating func stages(of counts: [Int], _ contents: [UInt64]) -> [Stage] {
        for (index, content) in contents.enumerated()
        where isPresent(content) || contents[..<index].contains(content) {
            counters.itemsShared += 1
        }
        return counts.indices.map { index in
            guard !contents.isEmpty else { return Stage.queued }
            return runningStage(of: contents[index]) ?? .queued
        }
    }

    /// A slice adds its items, or ends its request when it is more than was announced.
    private mutating func extend(
        _ slice: BatchQueue.Slice, _ actions: [BatchQueue.Action]
    ) throws {
        guard let entry = live[slice.request] else { return }
        try check(entry.isAwaited, "extended without being asked")
        let tokens = slice.tokenCounts.reduce(0, +)
        let isProper =
            slice.tokenCounts.count + slice.itemsToCome <= entry.itemsToCome
            && tokens + slice.tokensToCome <= entry.tokensToCome
        let isAbandoned = actions.contains(.fail(slice.request, .abandoned))
        try check(isAbandoned != isProper, "a slice of the wrong size, and the other way round")
        guard isProper else { return }
        let stages = stages(of: slice.tokenCounts, slice.contents)
        live[slice.request]?.stages += stages
        live[slice.request]?.arrival.tokenCounts += slice.tokenCounts
        live[slice.request]?.arrival.contents += slice.contents
        live[slice.request]?.itemsToCome = slice.itemsToCome
        live[slice.request]?.tokensToCome = slice.tokensToCome
        live[slice.request]?.isAwaited = false
    }

    private mutating func want(_ id: RequestID) throws {
        guard let entry = live[id], entry.itemsToCome > 0, !entry.isAwaited else {
            throw Violation(description: "wants more of \(id), which has none or was asked")
        }
        live[id]?.isAwaited = true
    }

    private mutating func refuse(
        _ id: RequestID, _ refusal: AdmissionRefusal, _ event: BatchQueue.Event, now: MonotonicTime
    ) throws {
        guard case .arrive(let arrival) = event, arrival.request == id else {
            throw Violation(description: "refused what did not arrive")
        }
        counters.refused += 1
        let counts = arrival.tokenCounts
        let isSane = counts.allSatisfy { 1...configuration.requestTokensMaximum ~= $0 }
        let tokens = isSane ? counts.reduce(arrival.tokensToCome, +) : 0
        switch refusal.reason {
        case .draining: try check(isDraining, "not draining")
        case .requestTooLarge:
            try check(
                counts.isEmpty || !isSane || tokens > configuration.requestTokensMaximum
                    || counts.count + arrival.itemsToCome > configuration.requestItemsMaximum,
                "not too large")
        case .queueRequestsFull:
            try check(live.count >= configuration.queueRequestsMaximum, "room for a request")
        case .queueTokensFull:
            try check(
                queuedTokens + announcedTokens + tokens > configuration.queueTokensMaximum,
                "room for its tokens")
        case .clientShareFull:
            try check(configuration.clientShareMaximum < 1, "shares are off")
        case .waitTooLong:
            try check(
                idle.isEmpty && helpers.values.allSatisfy { $0.isLeaving || queuedItems > 0 },
                "a wait with an idle worker, or one that only helps")
        case .deadlineTooShort:
            try check(
                arrival.deadline != nil || configuration.deadlineDefault != nil, "no deadline")
        }
        let seconds = refusal.retryAfter.seconds
        try check(
            refusal.reason == .requestTooLarge ? seconds == 0 : 1...7_200 ~= seconds,
            "retry after \(seconds) s")
    }

    private mutating func start(
        _ batch: BatchQueue.Batch, _ event: BatchQueue.Event, now: MonotonicTime
    ) throws {
        try checkShape(of: batch)
        if let outer = batch.interrupts {
            guard case .layerDone(outer) = event, let below = running[outer] else {
                throw Violation(description: "interrupts what does not run")
            }
            try check(
                below.worker == batch.worker && !running.values.contains { $0.interrupts == outer },
                "interrupts what is interrupted")
            try checkDepth(of: batch)
        } else {
            try check(idle.remove(batch.worker) != nil, "started on a busy worker")
            try checkAgeing(of: batch)
        }
        for (row, item) in batch.items.enumerated() {
            guard let entry = live[item.request], entry.stages[item.index] == .queued else {
                throw Violation(description: "started \(item), which is not queued")
            }
            try check(entry.deadline.map { $0 > now } ?? true, "started after its deadline")
            try check(entry.arrival.model == batch.model, "models mixed")
            setRunning(item, entry, batch.id, row: row)
        }
        running[batch.id] = batch
        counters.batches += 1
        counters.itemsStarted += batch.items.count
        counters.tokensStarted += batch.tokens
        counters.interrupts += batch.interrupts == nil ? 0 : 1
    }

    /// No deeper than there are limits, and nobody waits for more than was allowed.
    private mutating func checkDepth(of batch: BatchQueue.Batch) throws {
        let limits = configuration.interruptTokensMaxima
        var depth = 0
        var next = batch.interrupts
        while let id = next, let below = running[id] {
            depth += 1
            interrupted[id, default: 0] += batch.tokens
            try check(
                interrupted[id] ?? 0 <= BatchQueue.interruptedShare * below.tokens,
                "\(interrupted[id] ?? 0) tokens between the layers of \(below.tokens)")
            next = below.interrupts
        }
        try check(depth <= limits.count, "\(depth) levels deep")
        try check(batch.tokens <= limits[depth - 1], "too long to interrupt")
    }

    private func checkShape(of batch: BatchQueue.Batch) throws {
        let tokens = batch.items.reduce(0) {
            $0 + (live[$1.request]?.arrival.tokenCounts[$1.index] ?? 0)
        }
        try check(!batch.items.isEmpty, "an empty batch")
        try check(tokens == batch.tokens, "a batch of \(tokens) tokens that says \(batch.tokens)")
        try check(batch.items.count <= configuration.batchItemsMaximum, "too many items")
        try check(
            batch.items.count == 1
                || tokens <= terms[batch.model]?.batchTokensMaximum
                    ?? configuration.batchTokensMaximum,
            "\(tokens) tokens in a batch of several")
    }

    /// Who came too long after somebody who still waits leads no more than age leaves.
    ///
    /// What latecomers led since the last batch that somebody else led is at most the largest
    /// batch over age's share, in tokens.
    private mutating func checkAgeing(of batch: BatchQueue.Batch) throws {
        largestBatch = max(largestBatch, batch.tokens)
        guard configuration.ageing > 0, let first = batch.items.first,
            let arrived = live[first.request]?.arrived
        else { return }
        let bound = configuration.overtakingMaximum
        for (id, entry) in live where entry.stages.contains(.queued) {
            if entry.arrived.advanced(by: bound) >= arrived {
                if entry.overtaken > 0 { live[id]?.overtaken = 0 }
                continue
            }
            live[id]?.overtaken += batch.tokens
            try check(
                Double(entry.overtaken + batch.tokens) * configuration.ageShare
                    <= Double(largestBatch) * 1.0001,
                "\(entry.overtaken + batch.tokens) tokens overtook \(id), which came "
                    + "\(bound) before \(first.request)")
        }
    }

    private mutating func setRunning(
        _ item: ItemReference, _ entry: Entry, _ batch: BatchID, row: Int
    ) {
        guard !entry.arrival.contents.isEmpty else {
            live[item.request]?.stages[item.index] = .running(batch, row: row)
            return
        }
        let content = entry.arrival.contents[item.index]
        for (id, other) in live {
            for (index, each) in other.arrival.contents.enumerated()
            where each == content && other.stages[index] == .queued {
                live[id]?.stages[index] = .running(batch, row: row)
            }
        }
        runningContents[content] = (batch, row)
    }

    /// The works that run, even when nobody is left who waits for them.
    var runningContents: [UInt64: (batch: BatchID, row: Int)] = [:]

    private func runningStage(of content: UInt64) -> Stage? {
        runningContents[content].map { .running($0.batch, row: $0.row) }
    }

    private func isPresent(_ content: UInt64) -> Bool {
        runningContents[content] != nil
            || live.values.contains { entry in
                zip(entry.arrival.contents, entry.stages).contains {
                    $0 == content && $1 == .queued
                }
            }
    }

    private mutating func deliver(
        _ id: BatchID, _ row: Int, _ item: ItemReference, ended: BatchQueue.Batch?,
        _ event: BatchQueue.Event
    ) throws {
        guard case .batchDone(id, succeeded: true) = event, ended?.id == id else {
            throw Violation(description: "delivered from a batch that did not succeed")
        }
        try check(
            live[item.request]?.stages[item.index] == .running(id, row: row),
            "delivered \(item), which is not in row \(row)")
        live[item.request]?.stages[item.index] = .delivered
        counters.itemsDelivered += 1
    }

    private mutating func complete(_ id: RequestID) throws {
        let entry = live.removeValue(forKey: id)
        try check(
            entry?.stages.allSatisfy { $0 == .delivered } == true && entry?.itemsToCome == 0,
            "completed with rows missing")
        counters.completed += 1
    }

    private mutating func discard(_ id: BatchID) throws {
        try check(
            !live.values.contains { entry in
                entry.stages.contains { if case .running(id, _) = $0 { true } else { false } }
            }, "discarded a batch that somebody waits for")
        // Nobody can join what will fail.
        runningContents = runningContents.filter { $0.value.batch != id }
    }

    private mutating func fail(
        _ id: RequestID, _ failure: BatchQueue.Failure, ended: BatchQueue.Batch?,
        _ event: BatchQueue.Event, now: MonotonicTime
    ) throws {
        guard let entry = live.removeValue(forKey: id) else {
            throw Violation(description: "a second outcome for \(id)")
        }
        switch (failure, event) {
        case (.deadlineExpired, _):
            try check(entry.deadline.map { $0 <= now } ?? false, "expired early")
            counters.deadlineExpired += 1
        case (.cancelled, .cancel(id)): counters.cancelled += 1
        case (.abandoned, .abandon), (.abandoned, .extend): counters.abandoned += 1
        case (.workerFailed, .batchDone(let batch, succeeded: false)):
            try check(
                entry.stages.contains { if case .running(batch, _) = $0 { true } else { false } },
                "failed by a batch that it was not in")
            counters.workerFailed += 1
        default: throw Violation(description: "\(failure) after \(event)")
        }
    }
}

extension Ledger {
    var queuedItems: Int {
        live.values.reduce(0) { $0 + $1.stages.count { $0 == .queued } }
    }

    /// Works that have not started, each once.
    var queuedTokens: Int {
        var contents: Set<UInt64> = []
        var sum = 0
        for entry in live.values {
            for (index, stage) in entry.stages.enumerated() where stage == .queued {
                let isNew =
                    entry.arrival.contents.isEmpty
                    || contents.insert(entry.arrival.contents[index]).inserted
                if isNew { sum += entry.arrival.tokenCounts[index] }
            }
        }
        return sum
    }

    private mutating func checkRest(
        _ event: BatchQueue.Event, ended: BatchQueue.Batch?, now: MonotonicTime
    ) throws {
        if let ended { runningContents = runningContents.filter { $0.value.batch != ended.id } }
        if case .cancel(let id) = event { try check(live[id] == nil, "still there after cancel") }
        if case .abandon = event { try check(live.isEmpty, "left after abandon") }
        if case .batchDone(let id, _) = event {
            try check(
                !live.values.contains { entry in
                    entry.stages.contains { if case .running(id, _) = $0 { true } else { false } }
                }, "waits for a batch that has ended")
        }
        for (id, entry) in live {
            try check(entry.deadline.map { $0 > now } ?? true, "\(id) outlived its deadline")
            try check(
                entry.itemsToCome > 0 || entry.stages.contains { $0 != .delivered },
                "\(id) has all and no outcome")
            try checkFlow(of: entry)
        }
    }

    /// A request that flows is asked for more before its texts run out, and never has more in the
    /// queue than what made it thin and a slice.
    private func checkFlow(of entry: Entry) throws {
        guard entry.itemsToCome > 0, !entry.isAwaited else { return }
        let waiting = zip(entry.stages, entry.arrival.tokenCounts).filter { $0.0 == .queued }
        let batches = 2 * workerCount
        try check(
            waiting.count > batches
                && waiting.reduce(0) { $0 + $1.1 } > batches * configuration.batchTokensMaximum,
            "little waits of a request, and nobody asks for more")
    }

    private var workerCount: Int {
        idle.count + helpers.count + running.values.count { $0.interrupts == nil }
    }

    var announcedTokens: Int { live.values.reduce(0) { $0 + $1.tokensToCome } }

    private func checkModels(_ snapshots: [ModelID: ModelSnapshot]) throws {
        var truth = terms.mapValues { _ in ModelSnapshot() }
        for entry in live.values {
            var model = truth[entry.arrival.model] ?? ModelSnapshot()
            model.admittedRequests += 1
            model.queuedRequests += entry.stages.contains(.queued) ? 1 : 0
            for (stage, tokens) in zip(entry.stages, entry.arrival.tokenCounts)
            where stage == .queued { model.queuedTokens += tokens }
            truth[entry.arrival.model] = model
        }
        for batch in running.values {
            truth[batch.model, default: ModelSnapshot()].runningBatches += 1
        }
        try check(snapshots == truth, "models: \(truth), it says \(snapshots)")
    }

    /// What the queue says about itself is what is true, and nobody idles beside work.
    func check(against queue: BatchQueue) throws {
        let snapshot = queue.snapshot
        let queuedItems = queuedItems
        let queuedTokens = queuedTokens
        try check(idle.isEmpty || queuedItems == 0, "an idle worker and \(queuedItems) items")
        try checkHelpers(queuedItems: queuedItems)
        let announced = announcedTokens
        try check(
            queuedTokens + announced <= configuration.queueTokensMaximum, "too many tokens")
        try check(snapshot.announcedTokens == announced, "\(announced) tokens announced")
        try check(live.count <= configuration.queueRequestsMaximum, "too many requests")
        try check(
            snapshot.queuedTokens == queuedTokens,
            "\(queuedTokens) tokens queued, it says \(snapshot.queuedTokens)")
        try check(
            snapshot.queuedRequests == live.values.count { $0.stages.contains(.queued) },
            "queued requests: it says \(snapshot.queuedRequests)")
        try check(snapshot.admittedRequests == live.count, "admitted requests")
        try check(snapshot.runningBatches == running.count, "running batches")
        try checkModels(snapshot.models)
        try check(snapshot.counters == counters, "\(counters), it says \(snapshot.counters)")
        try check(
            counters.admitted == counters.outcomes + live.count
                && counters.arrived == counters.admitted + counters.refused, "unbalanced counters")
    }
}

extension BatchQueue.Action {
    fileprivate var isExpiry: Bool {
        if case .fail(_, .deadlineExpired) = self { true } else { false }
    }
}
