import Batching
import Glibc
import Platform
import Testing

/// Threads that help others, and leave them.
struct GangTests {
    /// What goes on in the batches, by their only item.
    final class Stage: Sendable {
        /// Threads that have computed parts of the item, and not only begun it.
        let threads = Locked<[Int: Set<UInt>]>([:])
        let released = Locked<Set<Int>>([])

        func release(_ item: Int) {
            released.withLock { _ = $0.insert(item) }
        }

        func forgetThreads(of item: Int) {
            threads.withLock { $0[item] = [] }
        }

        func wait(forThreads count: Int, of item: Int) {
            while threads.withLock({ $0[item]?.count ?? 0 }) < count { sched_yield() }
        }
    }

    /// Computes an item layer by layer until it is released; odd ones fail then.
    final class PatientWorker: BatchWorker {
        private let stage: Stage

        init(_ stage: Stage) {
            self.stage = stage
        }

        struct Failure: Error {}

        func run(_ items: [Int]) throws -> [Int] { items }

        func run(_ items: [Int], in context: BatchContext) throws -> [Int] {
            while !stage.released.withLock({ $0.contains(items[0]) }) {
                context.team?.run(parts: 4) { _ in
                    let thread = pthread_self()
                    stage.threads.withLock { _ = $0[items[0], default: []].insert(thread) }
                }
                try context.layerDone()
            }
            if items[0] % 2 == 1 { throw Failure() }
            return items
        }
    }

    private let stage = Stage()
    private let inbox = Inbox()

    private func makeScheduler(workers: Int) throws -> BatchScheduler<Int, Int> {
        var configuration = BatchConfiguration()
        configuration.handTokensMinimum = 1
        // So that no batch looks nearly done, however long it takes.
        configuration.tokensPerSecond = 1
        configuration.batchTokensMaximum = 1
        configuration.waitMaximum = .seconds(80_000)
        configuration.deadlineDefault = nil
        let stage = stage
        return try BatchScheduler(configuration: configuration, workers: workers) { _ in
            PatientWorker(stage)
        }
    }

    private func submit(_ item: Int, tokens: Int, to scheduler: BatchScheduler<Int, Int>) {
        let request = BatchRequest(items: [item], tokenCounts: [tokens])
        guard case .success = scheduler.submit(request, completion: inbox.receive) else {
            Issue.record("refused \(item)")
            return
        }
    }

    /// The second request is computed although the first never lets go of its thread.
    @Test(arguments: [2, 3])
    func helpersLeaveForWhatComes(workers: Int) throws {
        let scheduler = try makeScheduler(workers: workers)
        submit(0, tokens: 500, to: scheduler)
        for round in 1..<20 {
            stage.forgetThreads(of: 0)
            stage.wait(forThreads: workers, of: 0)
            stage.release(2 * round)
            submit(2 * round, tokens: 3, to: scheduler)
            inbox.wait(for: 1)
        }
        stage.release(0)
        inbox.wait(for: 1)
        let counters = scheduler.snapshot.counters
        #expect(counters.recalls >= 19 && counters.interrupts == 0 && counters.completed == 20)
        scheduler.stop()
    }

    @Test func aThreadThatIsDoneJoinsWhatRuns() throws {
        let scheduler = try makeScheduler(workers: 2)
        submit(0, tokens: 500, to: scheduler)
        submit(2, tokens: 400, to: scheduler)
        while scheduler.snapshot.runningBatches < 2 { sched_yield() }
        stage.forgetThreads(of: 0)
        stage.wait(forThreads: 1, of: 0)
        stage.release(2)
        stage.wait(forThreads: 2, of: 0)
        stage.release(0)
        inbox.wait(for: 2)
        scheduler.stop()
    }

    /// Helpers are free when the batch that they help with fails, or nobody waits for it any more.
    @Test func helpersSurviveTheirBatch() throws {
        let scheduler = try makeScheduler(workers: 2)
        submit(1, tokens: 500, to: scheduler)
        stage.wait(forThreads: 2, of: 1)
        stage.release(1)
        inbox.wait(for: 1)
        submit(3, tokens: 500, to: scheduler)
        stage.wait(forThreads: 2, of: 3)
        stage.release(3)
        inbox.wait(for: 1)
        #expect(scheduler.snapshot.counters.workerFailed == 2)
        submit(4, tokens: 500, to: scheduler)
        stage.wait(forThreads: 2, of: 4)
        stage.release(4)
        // While a thread is lent.
        scheduler.stop()
        #expect(scheduler.isIdle)
    }
}
