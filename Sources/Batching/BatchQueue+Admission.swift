import Platform

extension BatchQueue {
    mutating func arrive(_ arrival: Arrival, now: MonotonicTime, _ actions: inout [Action]) {
        precondition(requests[arrival.request] == nil, "a request's number was used twice")
        counters.arrived += 1
        if let refusal = refusal(of: arrival, now: now) {
            counters.refused += 1
            actions.append(.refuse(arrival.request, refusal))
            return
        }
        admit(arrival, now: now)
        actions.append(.admit(arrival.request))
        // All of its work may be running for others already; then nothing is queued.
        counters.admitted += 1
    }

    /// When the request must have its answer; nil when it has all the time in the world.
    func deadline(of arrival: Arrival, now: MonotonicTime) -> MonotonicTime? {
        guard let named = arrival.deadline else {
            return configuration.deadlineDefault.map { now.advanced(by: $0) }
        }
        return min(named, now.advanced(by: configuration.deadlineMaximum))
    }

    private mutating func admit(_ arrival: Arrival, now: MonotonicTime) {
        let id = arrival.request
        var request = Request(
            model: arrival.model, client: arrival.client, priority: arrival.priority,
            penalty: arrival.priority == .bulk ? Double(configuration.bulkPenaltyTokens) : 0,
            arrival: configuration.ageingTokensPerSecond * Double(now.nanoseconds) * 1e-9,
            itemsToCome: arrival.itemsToCome, tokensToCome: arrival.tokensToCome,
            contents: arrival.contents, items: arrival.tokenCounts.map { Item(tokens: $0) },
            queuedItems: 0, queuedTokens: 0, undelivered: arrival.tokenCounts.count)
        for index in request.items.indices {
            subscribe(ItemReference(request: id, index: index), of: &request)
        }
        clients[request.client, default: ClientUse()].requests += 1
        clients[request.client]?.tokens += request.queuedTokens + request.tokensToCome
        reservedTokens += request.tokensToCome
        if let deadline = deadline(of: arrival, now: now) { deadlines.set(id, deadline) }
        if request.queuedItems > 0 {
            let standing = standing(of: request)
            queued.add(request, standing)
            modelShare.resume(request.model)
            let empty = emptyLanes
            models[request.model, default: empty].insert(
                id, of: request.client, standing)
        }
        requests[id] = request
        noteHunger(of: id)
    }

    /// Counts the item as queued, or as running when its work runs for somebody else already.
    mutating func subscribe(_ item: ItemReference, of request: inout Request) {
        let tokens = request.items[item.index].tokens
        guard !request.contents.isEmpty else {
            request.queuedItems += 1
            request.queuedTokens += tokens
            queued.uniqueTokens += tokens
            return
        }
        let content = request.contents[item.index]
        if works[content] == nil {
            works[content] = SharedWork(tokens: tokens)
            queued.uniqueTokens += tokens
        } else {
            counters.itemsShared += 1
        }
        works[content]?.subscribers.append(item)
        if works[content]?.isRunning == true {
            request.items[item.index].stage = .running
        } else {
            request.queuedItems += 1
            request.queuedTokens += tokens
        }
    }

    var emptyLanes: ClientLanes {
        ClientLanes(
            fairness: configuration.fairness,
            excessMaximum: Double(configuration.excessTokensMaximum))
    }
}

extension BatchQueue {
    /// Why the request cannot be admitted now; nil when it can.
    func refusal(of arrival: Arrival, now: MonotonicTime) -> AdmissionRefusal? {
        func refuse(
            _ reason: AdmissionRefusal.Reason, after seconds: Double = 0
        ) -> AdmissionRefusal {
            // At least a second, the header's unit, then two seconds or as long again to spread in.
            let base = min(max(seconds, 1), 3_600)
            let spread = max(base, 2) * min(max(arrival.jitter, 0), 1)
            return AdmissionRefusal(reason: reason, retryAfter: .seconds(base + spread))
        }

        if isDraining { return refuse(.draining) }
        guard let tokens = tokens(of: arrival) else {
            return AdmissionRefusal(reason: .requestTooLarge, retryAfter: .zero)
        }
        let present = queued.uniqueTokens + reservedTokens
        let seconds = Double(present) / tokensPerSecond
        if requests.count >= configuration.queueRequestsMaximum {
            return refuse(.queueRequestsFull, after: seconds / Double(requests.count))
        }
        let added = addedTokens(of: arrival, tokens: tokens)
        let over = present + added - configuration.queueTokensMaximum
        if over > 0 { return refuse(.queueTokensFull, after: Double(over) / tokensPerSecond) }
        if exceedsShare(arrival, added: added) { return refuse(.clientShareFull, after: seconds) }

        let deadline = deadline(of: arrival, now: now)
        if let deadline, deadline <= now { return refuse(.deadlineTooShort) }
        let wait = predictedWait(of: arrival, tokens: tokens, now: now)
        let own = ownSeconds(of: arrival, tokens: tokens)
        let patience = configuration.patience(work: own)
        if wait > patience { return refuse(.waitTooLong, after: wait - patience) }
        if let deadline, now.advanced(by: .seconds(wait + own)) > deadline {
            return refuse(.deadlineTooShort, after: wait)
        }
        return nil
    }

    /// The request's tokens, with those to come; nil when it is malformed or no queue of this
    /// configuration can hold it.
    private func tokens(of arrival: Arrival) -> Int? {
        let counts = arrival.tokenCounts
        let (itemsToCome, tokensToCome) = (arrival.itemsToCome, arrival.tokensToCome)
        guard !counts.isEmpty, itemsToCome >= 0,
            itemsToCome <= configuration.requestItemsMaximum,
            counts.count <= configuration.requestItemsMaximum - itemsToCome,
            itemsToCome == 0 ? tokensToCome == 0 : tokensToCome >= itemsToCome,
            arrival.contents.isEmpty || arrival.contents.count == counts.count
        else { return nil }
        let limit = configuration.requestTokensMaximum
        guard tokensToCome <= limit else { return nil }
        var sum = tokensToCome
        for count in counts {
            guard count >= 1, count <= limit else { return nil }
            sum += count
            guard sum <= limit else { return nil }
        }
        return sum
    }

    /// The tokens that the request would add to the queue: not those of works that are there.
    private func addedTokens(of arrival: Arrival, tokens: Int) -> Int {
        guard !arrival.contents.isEmpty else { return tokens }
        var seen: Set<UInt64> = []
        return zip(arrival.contents, arrival.tokenCounts).reduce(arrival.tokensToCome) {
            sum, item in
            works[item.0] == nil && seen.insert(item.0).inserted ? sum + item.1 : sum
        }
    }

    private func exceedsShare(_ arrival: Arrival, added: Int) -> Bool {
        guard let threshold = configuration.clientThreshold else { return false }
        let use = clients[arrival.client] ?? ClientUse()
        let freeTokens =
            configuration.queueTokensMaximum - queued.uniqueTokens - reservedTokens - added
        let freeRequests = configuration.queueRequestsMaximum - requests.count - 1
        return Double(use.tokens + added) > threshold * Double(freeTokens)
            || Double(use.requests) > threshold * Double(freeRequests)
    }
}

extension BatchQueue {
    /// What all workers compute together, tokens a second.
    var tokensPerSecond: Double { throughput.tokensPerSecond * Double(max(workerCount, 1)) }

    /// About how long the request would wait for its first item to start, in seconds.
    func predictedWait(of arrival: Arrival, tokens: Int, now: MonotonicTime) -> Double {
        guard free.isEmpty, !hasHelperToSpare else { return 0 }
        let penalty = arrival.priority == .bulk ? configuration.bulkPenaltyTokens : 0
        let work = min(tokens, configuration.orderTokensMaximum)
        let standing = Standing(
            work: Double(penalty + work),
            arrival: configuration.ageingTokensPerSecond * Double(now.nanoseconds) * 1e-9)
        let before = queued.tokens(
            before: standing, own: tokens, ageShare: configuration.ageShare)
        // Running batches are half done on average.
        return (Double(before) + Double(runningTokens) / 2) / tokensPerSecond
    }

    /// About how long the request's own items compute: dealt out, but no text is divided.
    private func ownSeconds(of arrival: Arrival, tokens: Int) -> Double {
        let longest = Double(arrival.tokenCounts.max() ?? 0)
        return max(Double(tokens) / tokensPerSecond, longest / throughput.tokensPerSecond)
    }
}
