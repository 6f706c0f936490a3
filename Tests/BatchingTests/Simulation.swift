import Batching
import Platform

/// Plays a script against the queue on a virtual clock, with a made-up engine that is slow, stalls
/// and fails, and checks every step against the ledger.
struct Simulation {
    private let script: Script
    private var random: SplitMix64
    private var queue: BatchQueue
    private(set) var ledger: Ledger
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    /// Batches with the time when they end; an interrupted one ends after its interrupter.
    private var ends: [(time: MonotonicTime, batch: BatchQueue.Batch)] = []
    private var discarded: Set<BatchID> = []
    /// Helpers that were called away, with the time when they are out of their part.
    private var departures: [(time: MonotonicTime, worker: Int, batch: BatchID)] = []
    private var submissions: [Script.Submission] = []
    /// Slices that were asked for, with the time when they are there.
    private var extensions: [(time: MonotonicTime, request: RequestID)] = []
    /// How many slices of each request have been brought.
    private var brought: [RequestID: Int] = [:]

    init(seed: UInt64, script: Script) {
        self.script = script
        random = SplitMix64(seed: ~seed)
        queue = BatchQueue(configuration: script.configuration)
        ledger = Ledger(configuration: script.configuration)
    }

    /// Runs a seed to its end.
    static func run(seed: UInt64) throws -> BatchCounters {
        var simulation = Simulation(seed: seed, script: Script(seed: seed))
        try simulation.run()
        return simulation.ledger.counters
    }

    private mutating func run() throws {
        for worker in 0..<script.workers { try step(.workerFree(worker)) }
        for (pause, operation) in script.operations {
            try advance(to: now.advanced(by: pause))
            try perform(operation)
        }
        // The faults stop and so do the clients: everything settles.
        try step(.drain)
        try advance(to: now.advanced(by: .seconds(100_000)))
        try ledger.check(ledger.live.isEmpty, "requests left after the end")
        try ledger.check(ledger.drainedCount >= 1, "never said that it is drained")
        try ledger.check(queue.isForgotten, "something is left in the queue's tables")
    }

    private mutating func perform(_ operation: Script.Operation) throws {
        switch operation {
        case .submit(let submission):
            if random.chance(30) { try step(.expect(otherThan: random.below(5) - 1)) }
            var arrival = BatchQueue.Arrival(
                request: RequestID(UInt64(submissions.count)),
                tokenCounts: submission.tokenCounts)
            submissions.append(submission)
            arrival.contents = submission.contents
            arrival.model = submission.model
            arrival.client = submission.client
            arrival.priority = submission.priority
            (arrival.itemsToCome, arrival.tokensToCome) = submission.announced(from: 0)
            arrival.deadline = submission.deadline.map { now.advanced(by: $0) }
            arrival.jitter = random.unit()
            try step(.arrive(arrival))
        case .cancel(let number): try step(.cancel(RequestID(UInt64(number))))
        case .tick: try step(.tick)
        case .terms(let model, let terms): try step(.terms(model, terms))
        case .drain: try step(.drain)
        case .abandon: try step(.abandon)
        }
    }

    /// Lets batches end, and layers, and slices come, until `time`.
    private mutating func advance(to time: MonotonicTime) throws {
        repeat {
            try bringSlices(until: min(time, nextEnd, nextDeparture))
            try endBatches(until: min(time, nextSlice, nextDeparture))
            try letHelpersGo(until: min(time, nextSlice, nextEnd))
        } while min(nextSlice, nextEnd, nextDeparture) < time
        now = time
    }

    private static let never = MonotonicTime(nanoseconds: .max)
    private var nextSlice: MonotonicTime { extensions.map(\.time).min() ?? Self.never }
    private var nextEnd: MonotonicTime { ends.map(\.time).min() ?? Self.never }
    private var nextDeparture: MonotonicTime { departures.map(\.time).min() ?? Self.never }

    /// Also of batches that have ended meanwhile: a thread may be late to say it.
    private mutating func letHelpersGo(until time: MonotonicTime) throws {
        while let next = departures.indices.min(by: { departures[$0].time < departures[$1].time }),
            departures[next].time <= time
        {
            let (due, worker, id) = departures.remove(at: next)
            now = max(now, due)
            if let place = ends.firstIndex(where: { $0.batch.id == id }), ends[place].time > now {
                let left = ends[place].time.nanoseconds - now.nanoseconds
                delay(from: id, by: left / 2)
            }
            try step(.helperLeft(worker: worker, id))
        }
    }

    private mutating func bringSlices(until time: MonotonicTime) throws {
        while let next = extensions.indices.min(by: { extensions[$0].time < extensions[$1].time }),
            extensions[next].time <= time
        {
            let (due, id) = extensions.remove(at: next)
            now = max(now, due)
            let submission = submissions[Int(id.value)]
            let number = brought[id, default: 0]
            brought[id] = number + 1
            var slice = BatchQueue.Slice(
                request: id, tokenCounts: submission.slices[number].tokenCounts)
            slice.contents = submission.slices[number].contents
            (slice.itemsToCome, slice.tokensToCome) = submission.announced(from: number + 1)
            // A driver that does not keep its word.
            if random.chance(1) { slice.tokenCounts.append(1 << 30) }
            try step(.extend(slice))
        }
    }

    private mutating func endBatches(until time: MonotonicTime) throws {
        while let next = ends.indices.min(by: { ends[$0].time < ends[$1].time }),
            ends[next].time <= time
        {
            let (end, batch) = ends[next]
            if random.chance(50), end > now, !discarded.contains(batch.id) {
                // Somewhere before its end the batch comes to the end of a layer.
                let layer = (end.nanoseconds - now.nanoseconds) / 2
                now = now.advanced(by: TimeSpan(nanoseconds: layer))
                try step(.layerDone(batch.id))
                // Its worker takes a moment to end it; somebody may come meanwhile.
                if discarded.contains(batch.id),
                    let place = ends.firstIndex(where: { $0.batch == batch })
                {
                    ends[place].time = now.advanced(by: .microseconds(Int64(random.below(3_000))))
                }
                continue
            }
            ends.removeAll { $0.batch.id == batch.id }
            now = max(now, end)
            let failed = random.chance(script.failurePercent) || discarded.contains(batch.id)
            try step(.batchDone(batch.id, succeeded: !failed))
        }
    }

    private mutating func step(_ event: BatchQueue.Event) throws {
        let actions = queue.step(event, now: now)
        try ledger.record(event, actions, now: now)
        try ledger.check(against: queue)
        for action in actions {
            switch action {
            case .start(let batch): schedule(batch)
            case .discard(let id): discarded.insert(id)
            case .join(_, let id):
                guard let place = ends.firstIndex(where: { $0.batch.id == id }) else { continue }
                let left = ends[place].time.nanoseconds - now.nanoseconds
                ends[place].time = now.advanced(by: TimeSpan(nanoseconds: left * 2 / 3))
            case .leave(let worker, let id):
                let delay = random.chance(30) ? 0 : Int64(random.below(400))
                departures.append((now.advanced(by: .microseconds(delay)), worker, id))
            case .wantsMore(let id):
                let delay = random.chance(50) ? 0 : Int64(random.below(5_000))
                extensions.append((now.advanced(by: .microseconds(delay)), id))
            default: break
            }
        }
    }

    private mutating func schedule(_ batch: BatchQueue.Batch) {
        var duration = Int64(150_000 + 71_000 * batch.tokens)
        duration += Int64(random.below(50_000))
        if random.chance(2) { duration *= 50 }
        let end = now.advanced(by: TimeSpan(nanoseconds: duration))
        ends.append((end, batch))
        // One nanosecond, so that the interrupter is done first.
        if let outer = batch.interrupts { delay(from: outer, by: duration + 1) }
    }

    /// The batch ends later, and with it those that wait for it.
    private mutating func delay(from first: BatchID, by duration: Int64) {
        var next: BatchID? = first
        while let index = ends.firstIndex(where: { $0.batch.id == next }) {
            ends[index].time = ends[index].time.advanced(by: TimeSpan(nanoseconds: duration))
            next = ends[index].batch.interrupts
        }
    }
}
