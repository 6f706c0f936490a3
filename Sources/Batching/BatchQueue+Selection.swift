import Platform

extension BatchQueue {
    /// A batch as it grows.
    private struct Growing {
        var items: [ItemReference] = []
        var contents: [UInt64?] = []
        var tokens = 0
    }

    /// Requests whose next item did not fit are passed over, but not more than this many: the best
    /// of them is the first of the next batch, and the look-around stays short.
    private static let misfitsMaximum = 8

    /// Gives every idle worker a batch, its own or one to help with, as long as anything is queued.
    mutating func startBatches(now: MonotonicTime, _ actions: inout [Action]) {
        while queued.items > 0, !free.isEmpty {
            guard let (leader, model, isByAge) = nextLeader else { return }
            // Not for ever: age has its turns.
            if isByAge != true, let id = batchToHelpFirst(now: now) {
                lendWorker(to: id, now: now, &actions)
                continue
            }
            let budget = batchBudget(of: model)
            let worker = free.removeLast()
            let growing = grow(model, from: leader, budget: budget) { _ in true }
            if let isByAge {
                let share = configuration.ageShare
                ageCredit += Double(growing.tokens) * (isByAge ? share - 1 : share)
            }
            start(growing, model: model, worker: worker, now: now, &actions)
        }
    }

    /// At a layer's end of `id`: lets shorter requests run first, in memory of their own.
    ///
    /// As deep as there are limits, and never for more than twice the tokens that the batch has itself:
    /// an interrupted batch takes at most three times its time.
    mutating func interrupt(_ id: BatchID, now: MonotonicTime, _ actions: inout [Action]) {
        let limits = configuration.interruptTokensMaxima
        guard !limits.isEmpty, let batch = running[id], batch.interruptedBy == nil else { return }
        guard isWanted(batch) else { return discard(batch, &actions) }
        guard !isHelpComing else { return }
        let below = interruptedBatches(from: id)
        guard below.count <= limits.count, let (leader, model) = shortest,
            let request = requests[leader]
        else { return }
        let left = below.map { $0.batch.tokens * Self.interruptedShare - $0.interruptedTokens }
        let short = min(
            limits[below.count - 1], left.min() ?? 0,
            worthwhileTokens(interrupting: batch, now: now))
        guard short > 0, Self.isShort(request, short) else { return }
        let budget = min(short, batchTokensMaximum(of: model))
        let growing = grow(model, from: leader, budget: budget) { Self.isShort($0, short) }
        for each in below { running[each.batch.id]?.interruptedTokens += growing.tokens }
        settle(id, now: now)
        running[id]?.interruptedBy = BatchID(nextBatch)
        start(
            growing, model: model, worker: batch.batch.worker, interrupts: id, now: now, &actions)
    }

    /// Lets the batch end as failed; its works are nobody's from now on.
    ///
    /// Who comes with an equal text before the worker has ended it must not fail with it.
    private mutating func discard(_ batch: Running, _ actions: inout [Action]) {
        for case let content? in batch.contents { works[content] = nil }
        running[batch.batch.id]?.contents = Array(repeating: nil, count: batch.contents.count)
        actions.append(.discard(batch.batch.id))
    }

    /// For how many times its own tokens a batch may be interrupted.
    package static let interruptedShare = 2

    /// The batch, and those that wait for it.
    private func interruptedBatches(from id: BatchID) -> [Running] {
        var batches: [Running] = []
        var next: BatchID? = id
        while let id = next, let batch = running[id] {
            batches.append(batch)
            next = batch.batch.interrupts
        }
        return batches
    }

    /// Only a request that is short as a whole may interrupt.
    private static func isShort(_ request: Request, _ budget: Int) -> Bool {
        request.queuedTokens + request.tokensToCome <= budget
    }

    /// The most tokens that a request may have so that the mean wait is shorter when it goes first.
    ///
    /// It must be shorter than what is left by `interruptWorth`, as an interruption has a cost of its
    /// own.
    private func worthwhileTokens(interrupting running: Running, now: MonotonicTime) -> Int {
        Int(workLeft(of: running, now: now) / Self.interruptWorth)
    }

    /// What is left of the batch and its requests, in tokens, as one request would have it.
    ///
    /// Smith's rule (1956) with a weight of 1 for each request: of two pieces of work, that goes
    /// first which ends more requests a token. The batch ends each of its requests after what is
    /// left of the batch and of the request's queued texts.
    func workLeft(of running: Running, now: MonotonicTime) -> Double {
        let left = tokensLeft(of: running, now: now)
        var seen: Set<RequestID> = []
        var urgency = 0.0
        for (item, content) in zip(running.batch.items, running.contents) {
            for waiting in content.map({ works[$0]?.subscribers ?? [] }) ?? [item] {
                guard let request = requests[waiting.request],
                    seen.insert(waiting.request).inserted
                else { continue }
                urgency += 1 / (left + Double(request.queuedTokens + request.tokensToCome))
            }
        }
        return 1 / max(urgency, 1e-9)
    }

    /// How many times shorter than what it interrupts a request must be.
    private static let interruptWorth = 1.5

    func isWanted(_ running: Running) -> Bool {
        zip(running.batch.items, running.contents).contains { item, content in
            if let content { return works[content]?.subscribers.isEmpty == false }
            return requests[item.request] != nil
        }
    }

    /// The request whose turn it is by its work.
    var shortest: (RequestID, ModelID)? { best(\.bestByWork) }

    /// The request that leads the next batch, and whether it owes that to its age; nil when the
    /// shortest is the one whose turn it is by age, too.
    private var nextLeader: (RequestID, ModelID, isByAge: Bool?)? {
        guard let (short, shortModel) = shortest, let (old, oldModel) = best(\.bestByAge) else {
            return nil
        }
        if short == old { return (short, shortModel, nil) }
        // Among requests of about one size nothing is won by passing one, and with more work than can
        // be done the longest of them would never have its turn.
        if isSimilar(old, to: short) { return (old, oldModel, nil) }
        return ageCredit > 0 ? (old, oldModel, true) : (short, shortModel, false)
    }

    private func isSimilar(_ old: RequestID, to short: RequestID) -> Bool {
        guard let old = requests[old], let short = requests[short] else { return false }
        return standing(of: old).work <= Standing.similarity * standing(of: short).work
    }

    /// The best request of all models, by its rank and by what its model was given beyond others.
    private func best(_ order: (ClientLanes) -> Rank?) -> (RequestID, ModelID)? {
        var best: (rank: Rank, model: ModelID)?
        for (model, lanes) in models {
            guard var rank = order(lanes) else { continue }
            rank.value += configuration.fairness * modelShare.excess(model)
            if let found = best, found.rank < rank { continue }
            best = (rank, model)
        }
        return best.map { ($0.rank.request, $0.model) }
    }

    /// With several idle workers each gets its part of what is there, so that it starts on all.
    private func batchBudget(of model: ModelID) -> Int {
        let part = (queued.uniqueTokens + free.count - 1) / free.count
        return min(
            batchTokensMaximum(of: model), max(part, configuration.splitTokensMinimum))
    }

    /// The next queued item of a request, with what choosing it takes.
    private struct Candidate {
        var item: ItemReference
        var tokens: Int
        var content: UInt64?
        var client: ClientKey
        var isAllowed: Bool
    }

    /// Takes items one by one: the leader's as long as they fit, the first of them whatever its
    /// size; then the shortest others' that fit.
    private mutating func grow(
        _ model: ModelID, from leader: RequestID, budget: Int, where isAllowed: (Request) -> Bool
    ) -> Growing {
        var growing = Growing()
        var hidden: [RequestID] = []
        var leads = true
        while growing.items.count < configuration.batchItemsMaximum, growing.tokens < budget,
            hidden.count < Self.misfitsMaximum
        {
            leads = leads && requests[leader]?.queuedItems ?? 0 > 0
            guard let id = leads ? leader : models[model]?.bestByWork?.request,
                let next = candidate(of: id, where: isAllowed)
            else { break }
            let fits = growing.items.isEmpty || growing.tokens + next.tokens <= budget
            guard next.isAllowed, fits else {
                models[model]?.hide(id, of: next.client)
                hidden.append(id)
                leads = false
                continue
            }
            growing.items.append(next.item)
            growing.contents.append(next.content)
            growing.tokens += next.tokens
            take(next, of: model)
        }
        for id in hidden {
            // Somebody's equal text may have started its last item meanwhile.
            guard let request = requests[id], request.queuedItems > 0 else { continue }
            let standing = standing(of: request)
            models[model]?.show(id, of: request.client, standing)
        }
        return growing
    }

    /// A small value instead of the request: a second reference to its items would copy them when
    /// one of them changes.
    private mutating func candidate(
        of id: RequestID, where isAllowed: (Request) -> Bool
    ) -> Candidate? {
        guard let request = requests[id],
            let index = request.items[request.cursor...].firstIndex(where: { $0.stage == .queued })
        else { return nil }
        requests[id]?.cursor = index
        return Candidate(
            item: ItemReference(request: id, index: index), tokens: request.items[index].tokens,
            content: request.contents.isEmpty ? nil : request.contents[index],
            client: request.client, isAllowed: isAllowed(request))
    }

    /// Moves the item, and all that are the same work, from queued to running.
    private mutating func take(_ next: Candidate, of model: ModelID) {
        models[model]?.charge(next.client, tokens: next.tokens)
        modelShare.charge(model, tokens: cost(of: next.tokens, model))
        queued.uniqueTokens -= next.tokens
        guard let content = next.content else { return unqueue(next.item, as: .running) }
        works[content]?.isRunning = true
        for subscriber in works[content]?.subscribers ?? [] { unqueue(subscriber, as: .running) }
    }

    /// Takes one queued item of a request out of the queue's sums and the request to its new place.
    mutating func unqueue(_ item: ItemReference, as stage: Item.Stage) {
        guard var request = requests[item.request] else { return }
        // Out of the dictionary while it changes, so that its items are not copied.
        requests[item.request] = nil
        let tokens = request.items[item.index].tokens
        queued.remove(request, standing(of: request))
        request.items[item.index].stage = stage
        request.queuedItems -= 1
        request.queuedTokens -= tokens
        clients[request.client]?.tokens -= tokens
        let standing = standing(of: request)
        queued.add(request, standing)
        if request.queuedItems == 0 {
            leave(item.request, request)
        } else {
            models[request.model]?.moved(item.request, of: request.client, standing)
        }
        requests[item.request] = request
        noteHunger(of: item.request)
    }

    /// The request has nothing queued any more.
    mutating func leave(_ id: RequestID, _ request: Request) {
        models[request.model]?.remove(id, of: request.client)
        guard models[request.model]?.requestCount == 0 else { return }
        modelShare.pause(request.model)
        forgetIfGone(request.model)
    }

    private mutating func start(
        _ growing: Growing, model: ModelID, worker: Int, interrupts: BatchID? = nil,
        now: MonotonicTime, _ actions: inout [Action]
    ) {
        let batch = Batch(
            id: BatchID(nextBatch), worker: worker, interrupts: interrupts, model: model,
            items: growing.items, tokens: growing.tokens)
        nextBatch += 1
        running[batch.id] = Running(
            batch: batch, contents: growing.contents, started: now, settled: now)
        counters.batches += 1
        counters.itemsStarted += batch.items.count
        counters.tokensStarted += batch.tokens
        counters.interrupts += interrupts == nil ? 0 : 1
        actions.append(.start(batch))
    }
}
