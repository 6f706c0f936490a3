import Platform

/// Gangs: a worker with nothing better to do computes parts of what runs already on another.
extension BatchQueue {
    /// A worker that lends a hand.
    struct Helper {
        var worker: Int
        /// Whether it was called away, and has not said yet that it has left.
        var isLeaving = false
    }

    /// How many times more work a request must have than is left of a batch and its requests, so
    /// that an idle worker helps with the batch first.
    ///
    /// Two workers on one batch lose some of their time to the joins; what is shorter by less than
    /// that is better computed beside it.
    package static let gangWorth = 4.0

    /// Gives idle workers to the batches that would else end last, when nothing is queued.
    mutating func lendIdleWorkers(now: MonotonicTime, _ actions: inout [Action]) {
        guard queued.items == 0 else { return }
        while !free.isEmpty, let id = batchToHelp(now: now) {
            lendWorker(to: id, now: now, &actions)
        }
    }

    /// Gives the next idle worker to a batch.
    mutating func lendWorker(to id: BatchID, now: MonotonicTime, _ actions: inout [Action]) {
        guard let batch = running[id], let worker = free.popLast() else { return }
        settle(id, now: now)
        running[id]?.helpers.append(Helper(worker: worker))
        running[id]?.wasHelped = true
        lentCount += 1
        counters.joins += 1
        counters.gangs += batch.wasHelped ? 0 : 1
        actions.append(.join(worker: worker, id))
    }

    /// The batch that an idle worker should help with rather than begin with what is queued.
    func batchToHelpFirst(now: MonotonicTime) -> BatchID? {
        guard let (waiting, _) = shortest else { return nil }
        return batchToHelp(now: now) { yields(waiting, to: $0, now: now) }
    }

    /// When something waits that is better begun with than helped past: calls helpers away, one for
    /// each text of the request whose turn it is.
    mutating func recallHelpers(now: MonotonicTime, _ actions: inout [Action]) {
        guard leavingCount < lentCount, let (waiting, _) = shortest else { return }
        while leavingCount < turnItems,
            let (id, place) = helperToSpare(where: { !yields(waiting, to: $0, now: now) }),
            let worker = running[id]?.helpers[place].worker
        {
            running[id]?.helpers[place].isLeaving = true
            leavingCount += 1
            counters.recalls += 1
            actions.append(.leave(worker: worker, id))
        }
    }

    /// A helper that was called away takes no more parts; when its batch has ended meanwhile, that
    /// has set it free already.
    mutating func helperLeft(_ worker: Int, _ id: BatchID, now: MonotonicTime) {
        let isIt = { (helper: Helper) in helper.worker == worker && helper.isLeaving }
        guard let place = running[id]?.helpers.firstIndex(where: isIt) else { return }
        settle(id, now: now)
        running[id]?.helpers.remove(at: place)
        lentCount -= 1
        leavingCount -= 1
        free.append(worker)
    }

    /// The helpers of a batch that has ended are free.
    mutating func freeHelpers(of ended: Running) {
        for helper in ended.helpers {
            lentCount -= 1
            leavingCount -= helper.isLeaving ? 1 : 0
            free.append(helper.worker)
        }
    }

    /// Whether what comes now starts as soon as a helper is out of its part.
    var hasHelperToSpare: Bool { queued.items == 0 && leavingCount < lentCount }

    /// Whether those helpers that were called away are enough for the request whose turn it is.
    ///
    /// At a layer's end they are out of their parts, so its worker need not stop for that request.
    var isHelpComing: Bool { leavingCount > 0 && leavingCount >= turnItems }

    /// The texts of the request whose turn it is by its work.
    private var turnItems: Int {
        shortest.flatMap { requests[$0.0]?.queuedItems } ?? 0
    }

    /// Whether the request is so long, and so little waits with it, that helping the batch goes first.
    private func yields(_ waiting: RequestID, to batch: Running, now: MonotonicTime) -> Bool {
        // What should be done by now may be slower than was thought: nobody waits for that.
        guard let request = requests[waiting], hasEnough(batch, for: batch.hands, now: now)
        else { return false }
        let backlog = Double(queued.uniqueTokens + reservedTokens)
        return backlog <= configuration.gangBacklogMaximum.seconds * tokensPerSecond
            && standing(of: request).work >= Self.gangWorth * workLeft(of: batch, now: now)
    }

    /// The batch with the longest time to go, of those with enough to go.
    ///
    /// One whose worker runs another batch between two layers has no parts to give.
    private func batchToHelp(
        now: MonotonicTime, where isFit: (Running) -> Bool = { _ in true }
    ) -> BatchID? {
        var longest: (time: Double, id: BatchID)?
        for (id, batch) in running
        where batch.interruptedBy == nil && terms[batch.batch.model]?.isDivisible != false {
            guard hasEnough(batch, for: batch.hands + 1, now: now), isWanted(batch), isFit(batch)
            else { continue }
            let time = tokensLeft(of: batch, now: now) / Double(batch.hands)
            // The table has no order; equal ones must not depend on that.
            if let found = longest, (found.time, id) > (time, found.id) { continue }
            longest = (time, id)
        }
        return longest?.id
    }

    /// Whether what is left of the batch keeps so many workers busy.
    private func hasEnough(_ batch: Running, for hands: Int, now: MonotonicTime) -> Bool {
        guard let minimum = configuration.handTokensMinimum else { return false }
        return tokensLeft(of: batch, now: now) >= Double(minimum * hands)
    }

    /// A helper of the batch with the most hands.
    private func helperToSpare(where isFit: (Running) -> Bool) -> (BatchID, place: Int)? {
        var largest: (hands: Int, id: BatchID, place: Int)?
        for (id, batch) in running {
            guard let place = batch.helpers.lastIndex(where: { !$0.isLeaving }), isFit(batch)
            else { continue }
            if let found = largest, (found.hands, id) > (batch.hands, found.id) { continue }
            largest = (batch.hands, id, place)
        }
        return largest.map { ($0.id, $0.place) }
    }
}

/// What a batch has done so far, by the measured speed and its hands.
extension BatchQueue {
    /// About how many tokens are left to compute; never quite none.
    func tokensLeft(of batch: Running, now: MonotonicTime) -> Double {
        max(Double(batch.batch.tokens) - doneTokens(of: batch, now: now), 1)
    }

    /// Notes what the batch has done until now; its speed is about to change.
    mutating func settle(_ id: BatchID, now: MonotonicTime) {
        guard let batch = running[id] else { return }
        let done = doneTokens(of: batch, now: now)
        running[id]?.doneTokens = done
        running[id]?.settled = now
    }

    private func doneTokens(of batch: Running, now: MonotonicTime) -> Double {
        guard batch.interruptedBy == nil else { return batch.doneTokens }
        let seconds = now.interval(since: batch.settled).seconds
        return batch.doneTokens + seconds * throughput.tokensPerSecond * Double(batch.hands)
    }
}
