import Batching
import Platform
import Testing

/// Workers that help others.
extension QueueTests {
    private static func bench(
        workers: Int = 2, _ change: (inout BatchConfiguration) -> Void = { _ in }
    ) -> Bench {
        Bench(workers: workers) {
            $0.handTokensMinimum = 16
            $0.batchTokensMaximum = 64
            change(&$0)
        }
    }

    private static func joins(_ actions: [BatchQueue.Action]) -> [BatchID] {
        actions.compactMap { if case .join(_, let id) = $0 { id } else { nil } }
    }

    private static func leavers(_ actions: [BatchQueue.Action]) -> [Int] {
        actions.compactMap { if case .leave(let worker, _) = $0 { worker } else { nil } }
    }

    @Test func helpsWithASingleTextOnlyWhenIdle() {
        var bench = Self.bench()
        bench.submit(100)
        #expect(bench.queue.counters.gangs == 1)
        _ = bench.endBatch()
        bench.submit(31)
        #expect(bench.queue.counters.gangs == 1, "too short")
        bench.submit(100)
        #expect(bench.batches.count == 2 && bench.queue.counters.gangs == 1, "nobody is idle")
    }

    /// A short text has no work for many.
    @Test func sendsNoMoreHelpersThanThereIsWorkFor() {
        var bench = Self.bench(workers: 8)
        bench.submit(16 * 3 + 15)
        #expect(bench.queue.counters.joins == 2)
    }

    /// A worker that has ended its batch helps with the one that has the longest time to go.
    @Test func joinsWhatRunsAlready() {
        var bench = Self.bench(workers: 3)
        for tokens in [100, 200, 150] {
            bench.submit(tokens)
            for worker in 0..<3 {
                for batch in bench.batches {
                    bench.step(.helperLeft(worker: worker, batch.id))
                }
            }
        }
        let ids = bench.batches.map(\.id)
        #expect(bench.batches.map(\.tokens) == [100, 200, 150])
        #expect(Set(bench.batches.map(\.worker)) == [0, 1, 2])
        bench.now = bench.now.advanced(by: .milliseconds(2))
        #expect(Self.joins(bench.step(.batchDone(ids[0], succeeded: true))) == [ids[1]])
        // What is shorter has longer to go now.
        bench.now = bench.now.advanced(by: .milliseconds(1))
        #expect(Self.joins(bench.step(.batchDone(ids[1], succeeded: true))) == [ids[2], ids[2]])
    }

    @Test func doesNotJoinWhatIsNearlyDone() {
        var bench = Self.bench()
        bench.submit(60)
        bench.submit(200)
        bench.step(.helperLeft(worker: bench.batches[0].worker == 0 ? 1 : 0, bench.batches[0].id))
        #expect(bench.batches.count == 2)
        // 200 tokens at 10 000 a second.
        bench.now = bench.now.advanced(by: .milliseconds(18))
        #expect(Self.joins(bench.step(.batchDone(bench.batches[0].id, succeeded: true))).isEmpty)
    }

    /// A helper is called away for what comes, and until it has left nobody is interrupted for that.
    @Test func leavesForAQuery() {
        var bench = Self.bench { $0.interruptTokensMaxima = [64] }
        bench.submit(200)
        let long = bench.batches[0]
        let helper = 1 - long.worker
        bench.next += 1
        var arrival = BatchQueue.Arrival(request: RequestID(50), tokenCounts: [16])
        arrival.deadline = bench.now.advanced(by: .milliseconds(8))
        #expect(Self.leavers(bench.step(.arrive(arrival))) == [helper], "there is no wait")
        #expect(bench.step(.layerDone(long.id)).isEmpty)
        bench.step(.helperLeft(worker: helper, long.id))
        #expect(bench.batches.map(\.worker) == [long.worker, helper])
        // And back, when it is done.
        let actions = bench.step(.batchDone(bench.batches[1].id, succeeded: true))
        #expect(Self.joins(actions) == [long.id])
        // A thread that is late to say that it left a batch that has ended changes nothing.
        bench.submit(16)
        bench.step(.batchDone(long.id, succeeded: true))
        let before = bench.queue.counters
        #expect(bench.step(.helperLeft(worker: helper, long.id)).isEmpty)
        #expect(bench.queue.counters == before)
    }

    /// A document that interrupts a bulk request gets the other worker, too, before the next of the
    /// bulk request's texts does; but not when more waits than is done soon.
    @Test(
        arguments: [
            (TimeSpan.milliseconds(500), true), (.milliseconds(20), false), (.zero, false),
        ])
    func helpsTheShorterBeforeItBeginsTheLonger(maximum: TimeSpan, helps: Bool) {
        var bench = Self.bench {
            $0.interruptTokensMaxima = [256, 64]
            $0.gangBacklogMaximum = maximum
        }
        bench.submit(150, 150, 150, 150, 150, 150, 150, 150)
        bench.submit(120)
        bench.step(.layerDone(bench.batches[0].id))
        let document = bench.batches[2]
        #expect(document.interrupts == bench.batches[0].id)
        let actions = bench.step(.batchDone(bench.batches[1].id, succeeded: true))
        #expect(Self.joins(actions) == (helps ? [document.id] : []))
        guard helps else { return }
        // A query is worth leaving for.
        bench.submit(16)
        bench.step(.helperLeft(worker: bench.batches[1].worker, document.id))
        #expect(bench.batches.last?.tokens == 16)
        // At the document's end its helper is free, and its own worker goes on with what it was at.
        bench.step(.batchDone(bench.batches[3].id, succeeded: true))
        bench.step(.batchDone(document.id, succeeded: true))
        #expect(bench.batches.map(\.tokens) == [150, 150, 120, 16, 150])
    }

    @Test func doesNotHelpWithWhatCannotBeDivided() {
        var bench = Self.bench()
        bench.step(.terms(ModelID(0), ModelTerms(isDivisible: false)))
        bench.submit(200)
        #expect(bench.queue.counters.gangs == 0)
    }
}
