import Batching
import Platform
import Testing

/// Several models before one set of workers: shares by cost, budgets of their own, nothing left behind.
struct ModelFairnessTests {
    private typealias Bench = QueueTests.Bench

    /// Models with endless work of random sizes and costs are served equally, up to a constant.
    @Test(arguments: 0..<8)
    func modelsShareByCost(part: Int) {
        for seed in stride(from: UInt64(part), to: 80, by: 8) {
            var random = SplitMix64(seed: seed)
            let models = 2 + random.below(3)
            let costs = (0..<models).map { _ in random.pick([0.25, 1, 3, 9]) }
            let sizes = (0..<models).map { _ in 1 + random.below(60) }
            let budget = random.pick([32, 64, 128])
            var bench = Bench {
                $0.fairness = 1
                $0.ageing = 0
                $0.excessTokensMaximum = 1 << 20
                $0.queueRequestsMaximum = 1 << 20
                $0.clientShareMaximum = 1
                $0.waitMaximum = .seconds(86_400)
                $0.batchTokensMaximum = budget
            }
            for model in 0..<models {
                bench.step(.terms(ModelID(model), ModelTerms(tokenCost: costs[model])))
            }
            var owners: [UInt64: Int] = [:]
            var served = Array(repeating: 0.0, count: models)
            var waiting = Array(repeating: 0, count: models)
            func refill(_ bench: inout Bench) {
                for model in 0..<models {
                    while waiting[model] < 200 {
                        owners[bench.next] = model
                        bench.submit(sizes[model]) { $0.model = ModelID(model) }
                        waiting[model] += 1
                    }
                }
            }
            refill(&bench)
            // A batch's cost at most, once ahead and once behind, and what requests' ranks differ by.
            let bound = 2 * Double(budget + 120) * 9
            for _ in 0..<150 {
                let requests = bench.endBatch()
                let models = Set(requests.compactMap { owners[$0] })
                #expect(models.count == 1, "seed \(seed): models mixed")
                for request in requests {
                    guard let model = owners[request] else { continue }
                    served[model] += Double(sizes[model]) * costs[model]
                    waiting[model] -= 1
                }
                let spread = (served.max() ?? 0) - (served.min() ?? 0)
                #expect(spread <= bound, "seed \(seed): \(served), costs \(costs)")
                refill(&bench)
            }
        }
    }

    /// One model's flood does not hold back the few requests of another.
    @Test func aFloodOfOneModelLeavesTheOtherItsShare() {
        var bench = Bench {
            $0.fairness = 1
            $0.batchTokensMaximum = 64
        }
        for model in 0..<2 { bench.step(.terms(ModelID(model), ModelTerms())) }
        for _ in 0..<400 { bench.submit(60) { $0.model = ModelID(0) } }
        for _ in 0..<20 {
            for _ in 0..<5 { _ = bench.endBatch() }
            let query = bench.next
            bench.submit(60) { $0.model = ModelID(1) }
            // At worst a batch is in front that came as early in its model's turn.
            #expect((bench.endBatch() + bench.endBatch()).contains(query))
        }
    }

    @Test func aModelHasABudgetOfItsOwn() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.step(.terms(ModelID(1), ModelTerms(batchTokensMaximum: 20)))
        bench.step(.terms(ModelID(2), ModelTerms(batchTokensMaximum: 200)))
        bench.submit(64)
        for _ in 0..<4 { bench.submit(10) { $0.model = ModelID(1) } }
        #expect(bench.endBatch() == [1, 2])
        #expect(bench.endBatch() == [3, 4])
        bench.submit(64)
        for _ in 0..<4 { bench.submit(50) { $0.model = ModelID(2) } }
        #expect(bench.endBatch().count == 4)
    }

    /// An unloaded model's requests are finished, and then nothing of it is left.
    @Test func whatWasTakenForAModelThatGoesIsFinished() {
        var bench = Bench { $0.batchTokensMaximum = 64 }
        bench.step(.terms(ModelID(0), ModelTerms()))
        for round in 1...50 {
            let model = ModelID(round)
            bench.step(.terms(model, ModelTerms(batchTokensMaximum: 64)))
            for _ in 0..<3 { bench.submit(40) { $0.model = model } }
            #expect(bench.queue.snapshot.models[model]?.admittedRequests == 3)
            bench.step(.terms(model, nil))
            for _ in 0..<2 { _ = bench.endBatch() }
            #expect(bench.queue.snapshot.models[model]?.runningBatches == 1)
            _ = bench.endBatch()
            #expect(bench.queue.snapshot.models == [ModelID(0): ModelSnapshot()])
            #expect(bench.queue.isForgotten)
        }
        #expect(bench.queue.counters.completed == 150)
    }
}
