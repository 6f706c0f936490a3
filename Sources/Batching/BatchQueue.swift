import DequeModule
import Platform

/// The dynamic batching queue as a value: what happened, and when, goes in; what to do comes out.
///
/// No clock, lock, thread or randomness inside.
package struct BatchQueue {
    package let configuration: BatchConfiguration

    private struct Request {
        var arrival: Arrival
        var next = 0
        var done = 0
    }

    private var requests: [RequestID: Request] = [:]
    private var order: Deque<RequestID> = []
    private var free: [Int] = []
    private var running: [BatchID: Batch] = [:]
    private var nextBatch: UInt64 = 0
    package private(set) var queuedTokens = 0
    package private(set) var isDraining = false

    package init(configuration: BatchConfiguration) {
        self.configuration = configuration
    }

    package var snapshot: BatchSnapshot {
        var snapshot = BatchSnapshot()
        snapshot.queuedRequests = order.count
        snapshot.queuedTokens = queuedTokens
        snapshot.admittedRequests = requests.count
        snapshot.runningBatches = running.count
        snapshot.runningTokens = running.values.reduce(0) { $0 + $1.tokens }
        snapshot.isDraining = isDraining
        return snapshot
    }

    package mutating func step(_ event: Event, now: MonotonicTime) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .arrive(let arrival): arrive(arrival, &actions)
        case .cancel(let id): fail(id, .cancelled, &actions)
        case .workerFree(let worker): free.append(worker)
        case .batchDone(let id, let succeeded): finish(id, succeeded, &actions)
        case .tick: break
        case .drain: isDraining = true
        case .abandon:
            isDraining = true
            for id in requests.keys.sorted() { fail(id, .abandoned, &actions) }
        }
        startBatches(&actions)
        if isDraining, requests.isEmpty { actions.append(.drained) }
        return actions
    }

    private mutating func arrive(_ arrival: Arrival, _ actions: inout [Action]) {
        let tokens = arrival.tokenCounts.reduce(0, +)
        let reason: AdmissionRefusal.Reason? =
            if isDraining {
                .draining
            } else if requests.count >= configuration.queueRequestsMaximum {
                .queueRequestsFull
            } else if queuedTokens + tokens > configuration.queueTokensMaximum {
                .queueTokensFull
            } else { nil }
        if let reason {
            let refusal = AdmissionRefusal(reason: reason, retryAfter: .seconds(1 + arrival.jitter))
            actions.append(.refuse(arrival.request, refusal))
            return
        }
        queuedTokens += tokens
        requests[arrival.request] = Request(arrival: arrival)
        order.append(arrival.request)
        actions.append(.admit(arrival.request))
    }

    private mutating func fail(_ id: RequestID, _ failure: Failure, _ actions: inout [Action]) {
        guard let request = requests.removeValue(forKey: id) else { return }
        queuedTokens -= request.arrival.tokenCounts[request.next...].reduce(0, +)
        order.removeAll { $0 == id }
        actions.append(.fail(id, failure))
    }

    private mutating func finish(_ id: BatchID, _ succeeded: Bool, _ actions: inout [Action]) {
        guard let batch = running.removeValue(forKey: id) else { return }
        free.append(batch.worker)
        for (row, item) in batch.items.enumerated() {
            guard requests[item.request] != nil else { continue }
            if !succeeded {
                fail(item.request, .workerFailed, &actions)
                continue
            }
            actions.append(.deliver(id, row: row, to: item))
            requests[item.request]?.done += 1
            if let request = requests[item.request],
                request.done == request.arrival.tokenCounts.count
            {
                requests[item.request] = nil
                actions.append(.complete(item.request))
            }
        }
    }

    private mutating func startBatches(_ actions: inout [Action]) {
        while !order.isEmpty, let worker = free.popLast() {
            var batch = Batch(
                id: BatchID(nextBatch), worker: worker, model: ModelID(0), items: [], tokens: 0)
            nextBatch += 1
            while let id = order.first, var request = requests[id],
                batch.items.count < configuration.batchItemsMaximum
            {
                let tokens = request.arrival.tokenCounts[request.next]
                if !batch.items.isEmpty, batch.tokens + tokens > configuration.batchTokensMaximum {
                    break
                }
                batch.items.append(ItemReference(request: id, index: request.next))
                batch.tokens += tokens
                queuedTokens -= tokens
                request.next += 1
                requests[id] = request
                if request.next == request.arrival.tokenCounts.count { order.removeFirst() }
            }
            running[batch.id] = batch
            actions.append(.start(batch))
        }
    }
}
