import Batching
import Platform
import Testing

/// Scripts for single properties; the simulation has the rest.
struct QueueTests {
    /// A queue with one worker, driven by hand; batches end when the test says so.
    struct Bench {
        var queue: BatchQueue
        var now = MonotonicTime(nanoseconds: 0)
        var next: UInt64 = 0
        var batches: [BatchQueue.Batch] = []

        init(workers: Int = 1, _ change: (inout BatchConfiguration) -> Void = { _ in }) {
            var configuration = BatchConfiguration()
            configuration.tokensPerSecond = 10_000
            change(&configuration)
            queue = BatchQueue(configuration: configuration)
            for worker in 0..<workers { step(.workerFree(worker)) }
        }

        @discardableResult
        mutating func step(_ event: BatchQueue.Event) -> [BatchQueue.Action] {
            let actions = queue.step(event, now: now)
            for case .start(let batch) in actions { batches.append(batch) }
            return actions
        }

        @discardableResult
        mutating func submit(
            _ tokens: Int..., change: (inout BatchQueue.Arrival) -> Void = { _ in }
        ) -> AdmissionRefusal? {
            var arrival = BatchQueue.Arrival(request: RequestID(next), tokenCounts: tokens)
            next += 1
            change(&arrival)
            for case .refuse(_, let refusal) in step(.arrive(arrival)) { return refusal }
            return nil
        }

        /// Ends the oldest running batch; answers the requests of the batch that starts then.
        mutating func endBatch() -> [UInt64] {
            let batch = batches.removeFirst()
            let started = step(.batchDone(batch.id, succeeded: true))
            for case .start(let batch) in started { return batch.items.map(\.request.value) }
            return []
        }
    }

    @Test func takesTheShortestFirstAndFillsUpWithWhatFits() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.submit(50)
        bench.submit(60)
        bench.submit(40)
        bench.submit(10)
        bench.submit(20)
        #expect(bench.endBatch() == [3, 4])
        #expect(bench.endBatch() == [2])
        #expect(bench.endBatch() == [1])
    }

    @Test func letsBulkStepBack() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.submit(64)
        bench.submit(10) { $0.priority = .bulk }
        bench.submit(60)
        #expect(bench.endBatch() == [2])
        #expect(bench.endBatch() == [1])
    }

    @Test func takesASliceForPartOfTheWhole() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.submit(64)
        bench.submit(30) { ($0.itemsToCome, $0.tokensToCome) = (100, 5_000) }
        bench.submit(60)
        #expect(bench.endBatch() == [2])
        #expect(bench.endBatch() == [1])
    }

    @Test func runsATextLongerThanTheBudgetAlone() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.submit(500, 3, 500)
        #expect(bench.batches.map(\.tokens) == [500])
        #expect(bench.endBatch().count == 1)
    }

    @Test func dealsASmallQueueOutToAllIdleWorkers() {
        var bench = Bench(workers: 2)
        bench.submit(20, 20, 20, 20)
        #expect(bench.batches.map(\.items.count) == [2, 2])
        #expect(Set(bench.batches.map(\.worker)) == [0, 1])
    }

    @Test func rousesTheWorkerThatWillBegin() {
        var bench = Bench(workers: 2)
        for _ in 0..<2 {
            guard case .rouse(let worker)? = bench.step(.expect(otherThan: -1)).first else {
                Issue.record("nobody is roused")
                return
            }
            #expect(bench.step(.expect(otherThan: worker)) == [], "that one cannot begin at once")
            bench.submit(10)
            #expect(bench.batches.last?.worker == worker)
        }
        #expect(bench.step(.expect(otherThan: -1)) == [], "nobody is idle")
    }

    @Test func interruptsALongBatchOnceAtATimeAndForTwiceItsLengthAtMost() {
        var bench = Bench { $0.interruptTokensMaxima = [32] }
        bench.submit(100)
        let long = bench.batches[0].id
        #expect(bench.step(.layerDone(long)).isEmpty)
        for _ in 0..<8 { bench.submit(30) }
        bench.submit(33)
        var interrupting = 0
        for _ in 0..<8 {
            let before = bench.batches.count
            bench.step(.layerDone(long))
            #expect(bench.step(.layerDone(long)).isEmpty, "two at a time")
            guard bench.batches.count > before, let inner = bench.batches.popLast() else { break }
            #expect(inner.interrupts == long && inner.tokens == 30)
            #expect(bench.step(.layerDone(inner.id)).isEmpty, "two levels deep")
            interrupting += 1
            bench.step(.batchDone(inner.id, succeeded: true))
        }
        #expect(interrupting == 6)
    }

    /// A query between the layers of a document, which is between the layers of a bulk request's.
    @Test func interruptsAsDeepAsThereAreLimits() {
        var bench = Bench { $0.interruptTokensMaxima = [256, 64] }
        bench.submit(150, 150, 150, 150)
        bench.submit(120)
        bench.step(.layerDone(bench.batches[0].id))
        #expect(bench.batches.map(\.tokens) == [150, 120])
        // Too long for the second level, whatever is worth it.
        bench.submit(65)
        #expect(bench.step(.layerDone(bench.batches[1].id)).isEmpty)
        bench.submit(16)
        // While it waits for another, a batch is not interrupted.
        #expect(bench.step(.layerDone(bench.batches[0].id)).isEmpty)
        bench.step(.layerDone(bench.batches[1].id))
        #expect(bench.batches.map(\.tokens) == [150, 120, 16])
        #expect(bench.batches.map(\.interrupts?.value) == [nil, 0, 1])
        bench.submit(4)
        #expect(bench.step(.layerDone(bench.batches[2].id)).isEmpty)
        // The worker is free again only when the lowest of them has ended.
        for batch in bench.batches[1...].reversed() {
            #expect(bench.step(.batchDone(batch.id, succeeded: true)).count == 2)
        }
        #expect(bench.queue.snapshot.runningBatches == 1)
    }

    /// What runs between the layers of an interrupting batch delays the one below it, too.
    @Test func countsNestedInterruptsAgainstAllWhoWait() {
        var bench = Bench {
            $0.interruptTokensMaxima = [256, 64]
            $0.batchTokensMaximum = 32
        }
        bench.submit(100, 200, 200)
        bench.submit(90)
        bench.step(.layerDone(bench.batches[0].id))
        for _ in 0..<6 { bench.submit(30) }
        for _ in 0..<3 {
            bench.step(.layerDone(bench.batches[1].id))
            let inner = bench.batches.removeLast()
            #expect(inner.tokens == 30)
            bench.step(.batchDone(inner.id, succeeded: true))
        }
        // 90 and three times 30 of twice 100 are taken: 20 are left.
        #expect(bench.step(.layerDone(bench.batches[1].id)).isEmpty)
        bench.submit(20)
        bench.step(.layerDone(bench.batches[1].id))
        #expect(bench.batches.last?.tokens == 20)
    }

    /// Of two pieces of work that goes first which ends more requests a token.
    @Test(arguments: [
        // What runs, as requests of one text each; whether a text of 16 tokens may interrupt it.
        ([16, 16, 16, 16], false), ([16, 16], false), ([20], false), ([30], true), ([100], true),
    ])
    func interruptsOnlyWhenTheMeanWaitGetsShorter(running: [Int], isInterrupted: Bool) {
        var bench = Bench {
            $0.interruptTokensMaxima = [64]
            $0.batchTokensMaximum = 64
        }
        bench.submit(1)
        for tokens in running { bench.submit(tokens) }
        _ = bench.endBatch()
        let batch = bench.batches[0].id
        bench.submit(16)
        let started = bench.step(.layerDone(batch)).count {
            if case .start = $0 { true } else { false }
        }
        #expect(started == (isInterrupted ? 1 : 0))
    }

    @Test func doesNotInterruptWhatIsNearlyDone() {
        var bench = Bench { $0.interruptTokensMaxima = [64] }
        bench.submit(100)
        bench.submit(16)
        // At 10 000 tokens a second nine milliseconds are ninety tokens.
        bench.now = bench.now.advanced(by: .milliseconds(9))
        #expect(bench.step(.layerDone(bench.batches[0].id)).isEmpty)
    }

    @Test func asksForSlicesBeforeTheTextsRunOut() {
        var bench = Bench {
            $0.batchTokensMaximum = 64
            $0.queueTokensMaximum = 1_000
            $0.clientShareMaximum = 1
        }
        func slice(_ counts: [Int], items: Int = 0, tokens: Int = 0) -> BatchQueue.Event {
            var slice = BatchQueue.Slice(request: RequestID(0), tokenCounts: counts)
            (slice.itemsToCome, slice.tokensToCome) = (items, tokens)
            return .extend(slice)
        }
        bench.submit(60, 60, 60, 60) { ($0.itemsToCome, $0.tokensToCome) = (8, 500) }
        #expect(bench.queue.snapshot.queuedTokens == 180)
        #expect(bench.queue.snapshot.announcedTokens == 500)
        // The rest of the room is the others'.
        #expect(bench.submit(300) == nil)
        #expect(bench.submit(21)?.reason == .queueTokensFull)
        bench.step(.cancel(RequestID(1)))
        let next = bench.batches.removeFirst()
        let actions = bench.step(.batchDone(next.id, succeeded: true))
        #expect(actions.contains(.wantsMore(RequestID(0))))
        bench.step(slice([60, 60, 60], items: 4, tokens: 300))
        #expect(bench.queue.snapshot.queuedTokens == 300)
        #expect(bench.queue.snapshot.announcedTokens == 300)
        // Nothing of the last slice needs work, and then the texts are done one by one.
        bench.step(slice([]))
        var completed = false
        while !bench.batches.isEmpty {
            let batch = bench.batches.removeFirst()
            completed = bench.step(.batchDone(batch.id, succeeded: true))
                .contains(.complete(RequestID(0)))
        }
        #expect(completed && bench.queue.isForgotten)
    }

    @Test(
        arguments: [
            // Items and tokens that a slice brings after 2 items of 20 tokens in all were announced.
            ([10, 11], []), ([5, 5, 5], []), ([0], []), ([5], [3]),
        ] as [([Int], [UInt64])])
    func endsARequestWhoseSliceIsNotWhatWasAnnounced(counts: [Int], contents: [UInt64]) {
        var bench = Bench()
        bench.submit(100) { ($0.itemsToCome, $0.tokensToCome) = (2, 20) }
        var slice = BatchQueue.Slice(request: RequestID(0), tokenCounts: counts)
        slice.contents = contents
        #expect(bench.step(.extend(slice)).first == .fail(RequestID(0), .abandoned))
        #expect(bench.queue.snapshot.announcedTokens == 0)
    }

    @Test func discardsABatchThatNobodyWaitsFor() {
        var bench = Bench { $0.interruptTokensMaxima = [32] }
        bench.submit(100)
        bench.submit(100)
        bench.step(.cancel(RequestID(0)))
        #expect(bench.step(.layerDone(bench.batches[0].id)) == [.discard(bench.batches[0].id)])
    }

    /// Who asks for the same in the moment between a batch's discarding and its end has it computed anew.
    @Test func doesNotFailWhoComesForADiscardedText() {
        var bench = Bench { $0.interruptTokensMaxima = [32] }
        bench.submit(100) { $0.contents = [7] }
        bench.submit(100)
        bench.step(.cancel(RequestID(0)))
        let discarded = bench.batches[0].id
        #expect(bench.step(.layerDone(discarded)) == [.discard(discarded)])
        bench.submit(100) { $0.contents = [7] }
        #expect(bench.queue.snapshot.queuedTokens == 200)
        #expect(bench.step(.batchDone(discarded, succeeded: false)).count == 1)
        bench.batches.removeFirst()
        #expect(bench.endBatch() == [2])
        let last = bench.batches[0].id
        #expect(bench.step(.batchDone(last, succeeded: true)).contains(.complete(RequestID(2))))
        #expect(bench.queue.isForgotten && bench.queue.snapshot.counters.workerFailed == 0)
    }

    @Test func refusesWholeRequestsAndSaysWhy() {
        var bench = Bench {
            $0.queueTokensMaximum = 1_000
            $0.queueRequestsMaximum = 4
            $0.requestItemsMaximum = 3
            $0.clientShareMaximum = 0.75
        }
        #expect(bench.submit()?.reason == .requestTooLarge)
        #expect(bench.submit(1, 1, 1, 1)?.reason == .requestTooLarge)
        #expect(bench.submit(751)?.reason == .requestTooLarge)
        #expect(bench.submit(Int.max, Int.max)?.reason == .requestTooLarge)
        #expect(bench.submit(1, 0)?.reason == .requestTooLarge)
        #expect(bench.submit(100) == nil)
        #expect(bench.submit(600) == nil)
        #expect(bench.submit(401)?.reason == .queueTokensFull)
        #expect(bench.submit(200)?.reason == .clientShareFull)
        #expect(bench.submit(200) { $0.client = ClientKey(7) } == nil)
        #expect(bench.submit(10) { $0.client = ClientKey(8) } == nil)
        #expect(bench.submit(10) { $0.client = ClientKey(9) }?.reason == .queueRequestsFull)
        bench.step(.drain)
        #expect(bench.submit(10)?.reason == .draining)
        #expect(bench.queue.queuedTokens == 810)
    }

    @Test func refusesWhatCannotBeDoneInTime() {
        var bench = Bench { $0.ageing = 1 }
        let deadline = MonotonicTime(nanoseconds: 50_000_000)
        bench.submit(400) { $0.deadline = deadline }
        #expect(bench.submit(600) { $0.deadline = deadline }?.reason == .deadlineTooShort)
        // 20 ms of the running batch, 10 ms of its own.
        #expect(bench.submit(100) { $0.deadline = deadline } == nil)
        let late = bench.submit(10) { $0.deadline = MonotonicTime(nanoseconds: 0) }
        #expect(late?.reason == .deadlineTooShort)
        bench.now = deadline
        #expect(
            bench.step(.tick) == [
                .fail(RequestID(0), .deadlineExpired), .fail(RequestID(2), .deadlineExpired),
            ])
    }

    @Test func refusesAWaitBeyondPatienceAndSpreadsTheReturn() throws {
        var bench = Bench {
            $0.waitMaximum = .milliseconds(10)
            $0.ageing = 1
        }
        bench.submit(120)
        bench.submit(120)
        let soon = bench.submit(120) { $0.jitter = 0 }
        let late = bench.submit(120) { $0.jitter = 0.75 }
        #expect(soon?.reason == .waitTooLong && soon?.retryAfter == .seconds(1))
        #expect(late?.retryAfter == .seconds(2.5))
        // Much work has much patience.
        #expect(bench.submit(120, 120, 120, 120) == nil)
    }

    /// Two clients with endless work of different sizes get equal shares, up to a constant.
    @Test(arguments: [(16, 100), (100, 16), (30, 30)])
    func sharesEquallyBetweenBackloggedClients(first: Int, second: Int) {
        var bench = Bench {
            $0.batchTokensMaximum = 64
            $0.ageing = 0
            $0.fairness = 1
        }
        let sizes = [first, second]
        for _ in 0..<500 {
            for client in 0..<2 {
                bench.submit(sizes[client]) { $0.client = ClientKey(UInt64(client)) }
            }
        }
        var served = [0, 0]
        for _ in 0..<200 {
            for request in bench.endBatch() { served[Int(request) % 2] += sizes[Int(request) % 2] }
            #expect(abs(served[0] - served[1]) <= 300, "\(served)")
        }
    }

    /// The same between models, and a batch never mixes them.
    @Test func sharesEquallyBetweenModels() {
        var bench = Bench {
            $0.batchTokensMaximum = 64
            $0.fairness = 1
            $0.ageing = 0
        }
        for _ in 0..<800 {
            for model in 0..<2 { bench.submit(10 + 40 * model) { $0.model = ModelID(model) } }
        }
        var served = [0, 0]
        for _ in 0..<100 {
            let requests = bench.endBatch().map { Int($0) % 2 }
            #expect(Set(requests).count == 1)
            for model in requests { served[model] += 10 + 40 * model }
            #expect(abs(served[0] - served[1]) <= 300, "\(served)")
        }
    }

    /// A long request beside an endless stream of short ones gets its turn.
    @Test func ageBringsALongRequestToTheFront() {
        var bench = Bench {
            $0.batchTokensMaximum = 64
            $0.ageing = 0.1
            $0.fairness = 0
        }
        bench.submit(64)
        bench.submit(500)
        var waited = 0
        for _ in 0..<1_000 {
            for _ in 0..<4 { bench.submit(16) }
            bench.now = bench.now.advanced(by: .milliseconds(6))
            waited += 1
            if bench.endBatch().contains(1) { break }
        }
        // 484 tokens more at 1 000 tokens a second of waiting: 0.48 s, or 81 batches.
        #expect((75...90).contains(waited), "after \(waited) batches")
    }
}
