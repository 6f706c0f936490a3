import Batching
import Platform
import Testing

/// The scripts of the simulation, played against real threads.
///
/// What the clients do is the same; when batches start and end is up to the machine, so what is
/// checked is what must hold in any order: one outcome each, rows in place, balanced counters.
struct SchedulerTraceTests {
    /// An item says what its row must be.
    struct Item: Sendable {
        var request: Int
        var index: Int
        var content: UInt64?
        var tokens: Int

        var row: UInt64 { content ?? UInt64(request << 16 | index) }
    }

    struct EngineFailure: Error {}

    /// Answers the items' own names; now and then it fails, or answers with a row too few.
    final class FakeWorker: BatchWorker {
        private var random: SplitMix64
        private let failurePercent: Int
        private var levels = 0

        init(seed: UInt64, failurePercent: Int) {
            random = SplitMix64(seed: seed)
            self.failurePercent = failurePercent
        }

        func run(_ items: [Item]) throws -> [UInt64] { items.map(\.row) }

        func run(_ items: [Item], in context: BatchContext) throws -> [UInt64] {
            precondition(levels == context.level, "a worker used at level \(levels) twice")
            levels += 1
            defer { levels -= 1 }
            if random.chance(failurePercent) { throw EngineFailure() }
            let sums = Locked(0)
            for _ in 0..<random.below(4) {
                try context.layerDone()
                context.team?.run(parts: 5) { part in sums.withLock { $0 += part } }
            }
            if random.chance(failurePercent) { return [] }
            return items.map(\.row)
        }
    }

    /// What came back, by submission.
    final class Outcomes: Sendable {
        let results = Locked<[Int: [Result<[UInt64], BatchFailure>]]>([:])
        let admitted = Locked<Set<Int>>([])
        /// Rows of requests that flow, by submission and slice.
        let slices = Locked<[Int: [Int: [UInt64]]]>([:])

        func add(_ result: Result<[UInt64], BatchFailure>, of number: Int) {
            results.withLock { $0[number, default: []].append(result) }
        }
    }

    @Test(arguments: 0..<8)
    func everyScriptGetsOneRightOutcomeForEachRequest(part: Int) throws {
        for seed in stride(from: UInt64(part), to: 240, by: 8) {
            try play(seed: seed)
        }
    }

    private func play(seed: UInt64) throws {
        let script = Script(seed: seed)
        let scheduler = try BatchScheduler<Item, UInt64>(
            configuration: script.configuration, workers: script.workers
        ) { FakeWorker(seed: seed &+ UInt64($0), failurePercent: script.failurePercent) }
        let outcomes = Outcomes()
        var items: [[[Item]]] = []
        var tickets: [Int: Ticket] = [:]
        for (_, operation) in script.operations {
            switch operation {
            case .submit(let submission):
                let number = items.count
                if number.isMultiple(of: 3) { scheduler.expectRequest() }
                items.append(Self.items(of: submission, number: number))
                tickets[number] = submit(
                    submission, items[number], number, to: scheduler, outcomes)
            case .cancel(let number): if let ticket = tickets[number] { scheduler.cancel(ticket) }
            case .tick: scheduler.tick()
            case .terms(let model, let terms):
                scheduler.setTerms(terms, of: model)
                scheduler.announceModels()
            case .drain: scheduler.drain {}
            case .abandon: scheduler.abandon()
            }
        }
        #expect(scheduler.drain(until: MonotonicTime.now.advanced(by: .seconds(60))))
        let snapshot = scheduler.snapshot
        scheduler.stop()
        check(outcomes, items: items, counters: snapshot.counters, seed: seed)
        #expect(snapshot.admittedRequests == 0 && snapshot.queuedTokens == 0)
    }

    /// The items of a submission and of its slices.
    private static func items(of submission: Script.Submission, number: Int) -> [[Item]] {
        var first = 0
        let parts =
            [(submission.tokenCounts, submission.contents)]
            + submission.slices.map { ($0.tokenCounts, $0.contents) }
        return parts.map { counts, contents in
            defer { first += counts.count }
            return counts.enumerated().map { index, tokens in
                Item(
                    request: number, index: first + index,
                    content: contents.isEmpty ? nil : contents[index], tokens: tokens)
            }
        }
    }

    private static func keys(_ contents: [UInt64]) -> [ContentKey] {
        contents.map { ContentKey(namespace: 0, tokens: [Int32($0)], seed: 1) }
    }

    /// Brings slice after slice, from whatever thread asks for it.
    private static func flow(
        _ submission: Script.Submission, _ items: [[Item]], _ number: Int,
        to scheduler: BatchScheduler<Item, UInt64>, _ outcomes: Outcomes
    ) -> SliceFlow<UInt64> {
        let brought = Locked(0)
        return SliceFlow { [unowned scheduler] ticket in
            let place = brought.withLock { place in
                place += 1
                return place
            }
            var slice = BatchSlice(
                items: items[place], tokenCounts: items[place].map(\.tokens),
                contentKeys: keys(submission.slices[place - 1].contents))
            (slice.itemsToCome, slice.tokensToCome) = submission.announced(from: place)
            scheduler.extend(ticket, with: slice)
        } sliceDone: { slice, rows in
            outcomes.slices.withLock { slices in
                #expect(slices[number]?[slice] == nil, "a slice twice")
                slices[number, default: [:]][slice] = rows
            }
        }
    }

    private func submit(
        _ submission: Script.Submission, _ items: [[Item]], _ number: Int,
        to scheduler: BatchScheduler<Item, UInt64>, _ outcomes: Outcomes
    ) -> Ticket? {
        var request = BatchRequest(items: items[0], tokenCounts: submission.tokenCounts)
        request.contentKeys = Self.keys(submission.contents)
        request.model = submission.model
        request.client = submission.client
        request.priority = submission.priority
        (request.itemsToCome, request.tokensToCome) = submission.announced(from: 0)
        request.deadline = submission.deadline.map { MonotonicTime.now.advanced(by: $0) }
        let completion: BatchScheduler<Item, UInt64>.Completion = { result, timings in
            outcomes.add(result, of: number)
            #expect(timings.finished >= timings.admitted)
        }
        let result =
            submission.slices.isEmpty
            ? scheduler.submit(request, completion: completion)
            : scheduler.submit(
                request, flow: Self.flow(submission, items, number, to: scheduler, outcomes),
                completion: completion)
        guard case .success(let ticket) = result else { return nil }
        outcomes.admitted.withLock { _ = $0.insert(number) }
        return ticket
    }

    private func check(
        _ outcomes: Outcomes, items: [[[Item]]], counters: BatchCounters, seed: UInt64
    ) {
        let results = outcomes.results.withLock { $0 }
        let slices = outcomes.slices.withLock { $0 }
        #expect(Set(results.keys) == outcomes.admitted.withLock { $0 }, "seed \(seed)")
        var truth = BatchCounters()
        for (number, each) in results {
            #expect(each.count == 1, "seed \(seed): request \(number) ended \(each.count) times")
            switch each[0] {
            case .success(let rows):
                truth.completed += 1
                let flowed = slices[number] ?? [:]
                let all = flowed.keys.sorted().flatMap { flowed[$0] ?? [] }
                #expect(
                    rows + all == items[number].joined().map(\.row),
                    "seed \(seed)")
            case .failure(.cancelled): truth.cancelled += 1
            case .failure(.deadlineExpired): truth.deadlineExpired += 1
            case .failure(.workerFailed): truth.workerFailed += 1
            case .failure(.abandoned): truth.abandoned += 1
            }
        }
        let outcomes = [
            counters.completed, counters.cancelled, counters.deadlineExpired,
            counters.workerFailed, counters.abandoned,
        ]
        #expect(
            outcomes == [
                truth.completed, truth.cancelled, truth.deadlineExpired, truth.workerFailed,
                truth.abandoned,
            ], "seed \(seed)")
        #expect(counters.arrived == items.count && counters.admitted == results.count)
    }
}
