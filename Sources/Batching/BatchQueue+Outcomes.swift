import Platform

extension BatchQueue {
    /// A batch's end: its rows go to whom they belong, its workers are free.
    mutating func finish(
        _ id: BatchID, _ succeeded: Bool, now: MonotonicTime, _ actions: inout [Action]
    ) {
        guard let ended = running.removeValue(forKey: id) else { return }
        release(ended, succeeded: succeeded, now: now)
        for (row, item) in ended.batch.items.enumerated() {
            // Out of the table first: nobody can join a work that has ended.
            let subscribers =
                ended.contents[row].map { works.removeValue(forKey: $0)?.subscribers ?? [] }
                ?? [item]
            for subscriber in subscribers {
                if succeeded {
                    deliver(id, row: row, to: subscriber, &actions)
                } else {
                    end(subscriber.request, .workerFailed, &actions)
                }
            }
        }
    }

    private mutating func release(_ ended: Running, succeeded: Bool, now: MonotonicTime) {
        let duration = now.interval(since: ended.started)
        freeHelpers(of: ended)
        if let outer = ended.batch.interrupts {
            settle(outer, now: now)
            running[outer]?.interruptedBy = nil
            running[outer]?.interruptedTime.nanoseconds += duration.nanoseconds
        } else {
            free.append(ended.batch.worker)
        }
        guard succeeded, !ended.wasHelped else { return }
        let own = TimeSpan(nanoseconds: duration.nanoseconds - ended.interruptedTime.nanoseconds)
        throughput.observe(tokens: ended.batch.tokens, in: own)
    }

    private mutating func deliver(
        _ id: BatchID, row: Int, to item: ItemReference, _ actions: inout [Action]
    ) {
        guard requests[item.request] != nil else { return }
        actions.append(.deliver(id, row: row, to: item))
        counters.itemsDelivered += 1
        requests[item.request]?.items[item.index].stage = .delivered
        requests[item.request]?.undelivered -= 1
        completeIfDone(item.request, &actions)
    }

    mutating func completeIfDone(_ id: RequestID, _ actions: inout [Action]) {
        guard let request = requests[id], request.undelivered == 0, request.itemsToCome == 0
        else { return }
        forget(id)
        counters.completed += 1
        actions.append(.complete(id))
    }

    mutating func expire(now: MonotonicTime, _ actions: inout [Action]) {
        while let first = deadlines.first, first.rank <= now {
            end(first.id, .deadlineExpired, &actions)
        }
    }

    /// Ends a request without an answer; what of it has not started never will.
    mutating func end(_ id: RequestID, _ failure: Failure, _ actions: inout [Action]) {
        guard let request = requests[id] else { return }
        if request.queuedItems > 0 {
            queued.remove(request, standing(of: request))
            leave(id, request)
        }
        for (index, item) in request.items.enumerated() where item.stage != .delivered {
            unsubscribe(ItemReference(request: id, index: index), item, of: request)
        }
        forget(id)
        counters.count(failure)
        actions.append(.fail(id, failure))
    }

    private mutating func unsubscribe(_ reference: ItemReference, _ item: Item, of request: Request)
    {
        if request.contents.isEmpty {
            if item.stage == .queued { queued.uniqueTokens -= item.tokens }
            return
        }
        let content = request.contents[reference.index]
        guard let place = works[content]?.subscribers.firstIndex(of: reference) else { return }
        works[content]?.subscribers.remove(at: place)
        // A running work stays: who comes before its end can still join it.
        if let work = works[content], work.subscribers.isEmpty, !work.isRunning {
            works[content] = nil
            queued.uniqueTokens -= work.tokens
        }
    }

    private mutating func forget(_ id: RequestID) {
        guard let request = requests.removeValue(forKey: id) else { return }
        deadlines.remove(id)
        reservedTokens -= request.tokensToCome
        guard var use = clients[request.client] else { return }
        use.requests -= 1
        use.tokens -= request.queuedTokens + request.tokensToCome
        clients[request.client] = use.requests == 0 ? nil : use
    }
}
