/// Requests that flow: admitted as a whole, brought in slices while the earlier ones are computed.
///
/// The room for all of a request is reserved when it is admitted, so no slice is ever refused, and
/// its rank counts what is to come, so no slice passes for a small request. The queue says when it
/// wants the next slice; so what a large request holds in memory is a slice and a few texts.
extension BatchQueue {
    /// Takes the next slice of a request; one that has its outcome already is ignored.
    ///
    /// A slice of more than was announced ends its request as abandoned: the bounds hold for
    /// everybody.
    mutating func extend(_ slice: Slice, _ actions: inout [Action]) {
        let id = slice.request
        guard var request = requests[id] else { return }
        guard isProper(slice, of: request) else { return end(id, .abandoned, &actions) }
        // Out of the dictionary while it changes, so that its items are not copied.
        requests[id] = nil
        queued.remove(request, standing(of: request))
        let wasWaiting = request.queuedItems > 0
        let first = request.items.count
        reservedTokens += slice.tokensToCome - request.tokensToCome
        clients[request.client]?.tokens -= request.queuedTokens + request.tokensToCome
        request.items += slice.tokenCounts.map { Item(tokens: $0) }
        request.contents += slice.contents
        request.undelivered += slice.tokenCounts.count
        request.itemsToCome = slice.itemsToCome
        request.tokensToCome = slice.tokensToCome
        request.isAwaited = false
        for index in first..<request.items.count {
            subscribe(ItemReference(request: id, index: index), of: &request)
        }
        clients[request.client]?.tokens += request.queuedTokens + request.tokensToCome
        enter(id, request, wasWaiting: wasWaiting)
        requests[id] = request
        noteHunger(of: id)
        completeIfDone(id, &actions)
    }

    /// Puts the request where its rank is now.
    private mutating func enter(_ id: RequestID, _ request: Request, wasWaiting: Bool) {
        guard request.queuedItems > 0 else { return }
        let standing = standing(of: request)
        queued.add(request, standing)
        if wasWaiting {
            models[request.model]?.moved(id, of: request.client, standing)
            return
        }
        modelShare.resume(request.model)
        let empty = emptyLanes
        models[request.model, default: empty].insert(id, of: request.client, standing)
    }

    private func isProper(_ slice: Slice, of request: Request) -> Bool {
        let items = slice.tokenCounts.count
        guard slice.itemsToCome >= 0, items <= request.itemsToCome,
            slice.itemsToCome <= request.itemsToCome - items,
            slice.itemsToCome == 0
                ? slice.tokensToCome == 0 : slice.tokensToCome >= slice.itemsToCome,
            slice.contents.count == (request.contents.isEmpty ? 0 : items)
        else { return false }
        var left = request.tokensToCome
        for count in slice.tokenCounts {
            guard count >= 1, count <= left else { return false }
            left -= count
        }
        return slice.tokensToCome <= left
    }

    /// Remembers the request when too little of it waits for the workers to be busy until more comes:
    /// two batches, or two texts, for each.
    mutating func noteHunger(of id: RequestID) {
        guard let request = requests[id], request.itemsToCome > 0, !request.isAwaited else {
            return
        }
        let batches = 2 * max(workerCount, 1)
        let budget = max(
            configuration.batchTokensMaximum, batchTokensMaximum(of: request.model))
        guard request.queuedItems <= batches || request.queuedTokens <= batches * budget else {
            return
        }
        requests[id]?.isAwaited = true
        hungry.append(id)
    }

    mutating func askForSlices(_ actions: inout [Action]) {
        for id in hungry where requests[id] != nil { actions.append(.wantsMore(id)) }
        hungry.removeAll(keepingCapacity: true)
    }
}
