import Batching
import Platform
import Testing

/// A worker that answers twice its item.
final class DoublingWorker: BatchWorker {
    func run(_ items: [Int]) throws -> [Int] { items.map { $0 * 2 } }
}

/// A worker that waits for a signal before each batch, or before it goes on after a change of models.
final class GatedWorker: BatchWorker {
    let gate: Semaphore
    let entered: Semaphore
    /// Whether it is late to begin and not slow to compute.
    let isLate: Bool

    init(gate: Semaphore, entered: Semaphore, isLate: Bool = false) {
        self.gate = gate
        self.entered = entered
        self.isLate = isLate
    }

    func run(_ items: [Int]) throws -> [Int] {
        if !isLate { pass() }
        return items
    }

    func modelsChanged() {
        if isLate { pass() }
    }

    private func pass() {
        entered.signal()
        gate.wait()
    }
}

/// Collects results and lets a test wait for them.
final class Inbox: Sendable {
    let results = Locked<[(result: Result<[Int], BatchFailure>, timings: BatchTimings)]>([])
    private let arrived = Semaphore()

    func receive(_ result: Result<[Int], BatchFailure>, _ timings: BatchTimings) {
        results.withLock { $0.append((result, timings)) }
        arrived.signal()
    }

    func wait(for count: Int) {
        for _ in 0..<count { arrived.wait() }
    }
}

struct SchedulerTests {
    private func request(_ items: [Int], tokens: Int = 10) -> BatchRequest<Int> {
        BatchRequest(items: items, tokenCounts: items.map { _ in tokens })
    }

    @Test func answersARequestOfManyItemsInOrder() throws {
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 2) { _ in
            DoublingWorker()
        }
        defer { scheduler.stop() }
        let inbox = Inbox()
        let items = Array(0..<2000)
        let request = BatchRequest(items: items, tokenCounts: items.map { $0 % 300 + 1 })
        #expect(throws: Never.self) {
            try scheduler.submit(request, completion: inbox.receive).get()
        }
        inbox.wait(for: 1)
        let results = inbox.results.withLock { $0 }
        #expect(try results[0].result.get() == items.map { $0 * 2 })
        #expect(results[0].timings.wait >= .zero && results[0].timings.compute > .zero)
    }

    @Test func countsTheTimeUntilAThreadBeginsAsWaiting() throws {
        let (gate, entered) = (Semaphore(), Semaphore())
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 1) { _ in
            GatedWorker(gate: gate, entered: entered, isLate: true)
        }
        defer { scheduler.stop() }
        scheduler.announceModels()
        entered.wait()
        let inbox = Inbox()
        _ = scheduler.submit(request([1, 2]), completion: inbox.receive)
        #expect(scheduler.snapshot.runningBatches == 1)
        let submitted = MonotonicTime.now
        gate.signal()
        inbox.wait(for: 1)
        let timings = try #require(inbox.results.withLock { $0 }.first?.timings)
        #expect(try #require(timings.started) >= submitted)
    }

    /// A thread may be woken for a request that comes at once, late, or not at all.
    @Test func expectsWhatMayNotCome() throws {
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 2) { _ in
            DoublingWorker()
        }
        let inbox = Inbox()
        let pause = Semaphore()
        for number in 0..<200 {
            scheduler.expectRequest()
            if number.isMultiple(of: 5) { scheduler.expectRequest() }
            if number.isMultiple(of: 7) {
                // Longer than a thread looks for what it was woken for.
                _ = pause.wait(until: MonotonicTime.now.advanced(by: .microseconds(200)))
            }
            if number.isMultiple(of: 3) { continue }
            _ = scheduler.submit(request([number]), completion: inbox.receive)
            inbox.wait(for: 1)
        }
        scheduler.expectRequest()
        scheduler.stop()
        let rows = try inbox.results.withLock { $0 }.flatMap { try $0.result.get() }
        #expect(rows == (0..<200).filter { !$0.isMultiple(of: 3) }.map { $0 * 2 })
    }

    @Test func cancelsInTheQueueBeforeItCostsAnything() throws {
        let gate = Semaphore()
        let entered = Semaphore()
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 1) { _ in
            GatedWorker(gate: gate, entered: entered)
        }
        defer { scheduler.stop() }
        let inbox = Inbox()
        _ = scheduler.submit(request([1]), completion: inbox.receive)
        entered.wait()
        let ticket = try scheduler.submit(request([2]), completion: inbox.receive).get()
        #expect(scheduler.snapshot.queuedRequests == 1 && !scheduler.isIdle)
        scheduler.cancel(ticket)
        // Its completion came before `cancel` returned, while the worker still computes.
        let first = inbox.results.withLock { $0.first?.result }
        guard case .failure(.cancelled) = first else {
            Issue.record("not cancelled: \(String(describing: first))")
            return
        }
        gate.signal()
        inbox.wait(for: 2)
        #expect(scheduler.isIdle && scheduler.snapshot.counters.itemsStarted == 1)
    }

    @Test func drainsWhatIsAdmittedAndAdmitsNothingMore() throws {
        let gate = Semaphore()
        let entered = Semaphore()
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 1) { _ in
            GatedWorker(gate: gate, entered: entered)
        }
        defer { scheduler.stop() }
        let inbox = Inbox()
        for number in 0..<3 {
            _ = scheduler.submit(request([number], tokens: 100), completion: inbox.receive)
        }
        #expect(!scheduler.drain(until: MonotonicTime.now.advanced(by: .milliseconds(1))))
        let refused = scheduler.submit(request([9]), completion: inbox.receive)
        #expect(throws: AdmissionRefusal.self) { try refused.get() }
        for _ in 0..<3 { gate.signal() }
        #expect(scheduler.drain(until: MonotonicTime.now.advanced(by: .seconds(60))))
        let answers = inbox.results.withLock { $0.map { try? $0.result.get() } }
        #expect(answers == [[0], [1], [2]])
    }

    @Test func computesEqualItemsOnce() throws {
        let gate = Semaphore()
        let entered = Semaphore()
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 1) { _ in
            GatedWorker(gate: gate, entered: entered)
        }
        defer { scheduler.stop() }
        let inbox = Inbox()
        let key = ContentKey(namespace: 1, tokens: [5, 6], seed: 7)
        var shared = request([42])
        shared.contentKeys = [key]
        _ = scheduler.submit(shared, completion: inbox.receive)
        entered.wait()
        for _ in 0..<4 { _ = scheduler.submit(shared, completion: inbox.receive) }
        gate.signal()
        inbox.wait(for: 5)
        let answers = inbox.results.withLock { $0.map { try? $0.result.get() } }
        #expect(answers == Array(repeating: [42], count: 5))
        let counters = scheduler.snapshot.counters
        #expect(counters.itemsStarted == 1 && counters.itemsShared == 4)
    }

    /// Many threads submit, cancel and leave while the workers run; then a drain.
    @Test func losesNothingUnderStress() throws {
        var configuration = BatchConfiguration()
        configuration.queueRequestsMaximum = 64
        configuration.handTokensMinimum = 32
        configuration.interruptTokensMaxima = [64, 32]
        let scheduler = try BatchScheduler(configuration: configuration, workers: 3) { _ in
            DoublingWorker()
        }
        let inbox = Inbox()
        let admitted = Locked(0)
        let clients = (0..<4).map { client in
            NamedThread(name: "client-\(client)") {
                var random = SplitMix64(seed: UInt64(client))
                for number in 0..<500 {
                    var request = BatchRequest(
                        items: Array(0..<1 + random.below(6)), tokenCounts: [])
                    request.tokenCounts = request.items.map { _ in 1 + random.below(90) }
                    request.client = ClientKey(UInt64(client))
                    let result = scheduler.submit(request, completion: inbox.receive)
                    guard case .success(let ticket) = result else { continue }
                    admitted.withLock { $0 += 1 }
                    if random.chance(20) { scheduler.cancel(ticket) }
                    if number == 400 { scheduler.drain {} }
                }
            }
        }
        for client in clients { client.join() }
        #expect(scheduler.drain(until: MonotonicTime.now.advanced(by: .seconds(60))))
        scheduler.stop()
        let count = admitted.withLock { $0 }
        #expect(inbox.results.withLock { $0.count } == count)
        let counters = scheduler.snapshot.counters
        #expect(counters.admitted == count && counters.outcomes == count)
    }

    /// Stops while a batch is being given to a thread that has just looked for one: its helpers
    /// must not be left waiting for it.
    @Test func stopsWhileThreadsAreLent() throws {
        var configuration = BatchConfiguration()
        configuration.handTokensMinimum = 1
        for round in 0..<300 {
            let scheduler = try BatchScheduler(configuration: configuration, workers: 3) { _ in
                DoublingWorker()
            }
            let inbox = Inbox()
            for number in 0..<round % 7 {
                _ = scheduler.submit(request([number]), completion: inbox.receive)
            }
            scheduler.abandon()
            scheduler.stop()
            #expect(inbox.results.withLock { $0.count } == round % 7)
        }
    }

    private static let mistakes:
        [(key: String, change: @Sendable (inout BatchConfiguration) -> Void)] = [
            ("batchTokensMaximum", { $0.batchTokensMaximum = 0 }),
            ("queueTokensMaximum", { $0.queueTokensMaximum = 100 }),
            ("deadlineDefault", { $0.deadlineDefault = .seconds(601) }),
            ("waitMaximum", { $0.waitMaximum = .zero }),
            ("ageing", { $0.ageing = -1 }),
            ("tokensPerSecond", { $0.tokensPerSecond = .nan }),
            ("clientShareMaximum", { $0.clientShareMaximum = 1.5 }),
            ("interruptTokensMaxima", { $0.interruptTokensMaxima = [64, 0] }),
        ]

    @Test(arguments: mistakes.indices)
    func namesTheKeyThatCannotBe(index: Int) {
        var configuration = BatchConfiguration()
        #expect(throws: Never.self) { try configuration.validated() }
        Self.mistakes[index].change(&configuration)
        let error = #expect(throws: BatchConfigurationError.self) {
            try configuration.validated()
        }
        #expect(error?.key == Self.mistakes[index].key)
    }
}
