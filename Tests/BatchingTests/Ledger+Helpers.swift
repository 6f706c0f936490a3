import Batching

/// The truth about workers that help others.
extension Ledger {
    struct Helper {
        var batch: BatchID
        var isLeaving = false
    }

    mutating func freeHelpers(of ended: BatchID) {
        for (worker, helper) in helpers where helper.batch == ended {
            helpers[worker] = nil
            idle.insert(worker)
        }
        helped.remove(ended)
    }

    mutating func helperLeft(_ worker: Int, _ id: BatchID) {
        guard let helper = helpers[worker], helper.batch == id, helper.isLeaving else { return }
        helpers[worker] = nil
        idle.insert(worker)
    }

    func rouse(_ worker: Int, _ event: BatchQueue.Event) throws {
        guard case .expect(let other) = event else {
            throw Violation(description: "roused for nothing")
        }
        try check(idle.contains(worker) && worker != other, "roused who cannot begin at once")
        try check(queuedItems == 0, "roused while something waits")
    }

    mutating func join(_ worker: Int, _ id: BatchID) throws {
        try check(idle.remove(worker) != nil, "a helper that has something to do")
        try check(running[id] != nil, "helps with what does not run")
        try check(
            !running.values.contains { $0.interrupts == id }, "helps with what is interrupted")
        try check(queuedItems == 0 || mayHelpFirst, "helps while something waits")
        try check(configuration.handTokensMinimum != nil, "helps where nobody should")
        try check(
            running[id].map { terms[$0.model]?.isDivisible != false } ?? false,
            "helps with what cannot be divided")
        let hands = 2 + helpers.values.count { $0.batch == id }
        try check(
            running[id]?.tokens ?? 0 >= hands * (configuration.handTokensMinimum ?? 0),
            "helps with too little")
        helpers[worker] = Helper(batch: id)
        counters.joins += 1
        if helped.insert(id).inserted { counters.gangs += 1 }
    }

    mutating func leave(_ worker: Int, _ id: BatchID) throws {
        try check(
            helpers[worker]?.batch == id && helpers[worker]?.isLeaving == false,
            "called away who does not help, or twice")
        try check(queuedItems > 0, "called away for nothing")
        helpers[worker]?.isLeaving = true
        counters.recalls += 1
    }

    /// Whether something waits that is so long that helping may go first.
    private var mayHelpFirst: Bool {
        configuration.gangBacklogMaximum > .zero
            && live.values.contains { entry in
                let queued = zip(entry.stages, entry.arrival.tokenCounts)
                    .reduce(0) { $0 + ($1.0 == .queued ? $1.1 : 0) }
                let penalty =
                    entry.arrival.priority == .bulk ? configuration.bulkPenaltyTokens : 0
                return entry.stages.contains(.queued)
                    && Double(queued + entry.tokensToCome + penalty) >= BatchQueue.gangWorth
            }
    }

    /// Nobody goes on helping while something waits, but for the length of what waits.
    func checkHelpers(queuedItems: Int) throws {
        let isSomebodyLeaving = helpers.values.contains { $0.isLeaving }
        try check(
            queuedItems == 0 || helpers.isEmpty || isSomebodyLeaving || mayHelpFirst,
            "\(queuedItems) items wait, and none of \(helpers.count) helpers leaves")
        for (worker, helper) in helpers {
            try check(running[helper.batch] != nil, "\(worker) helps with what does not run")
        }
    }
}
