import Batching
import Platform
import Testing

/// Fairness between clients, held after every step.
///
/// Where requests differ in length the order by work and fairness pull in different directions, and
/// no bound holds in every step; so here all texts of a seed are equally long.
struct FairnessTests {
    /// Clients that all have something waiting have been given the same tokens, but for what each worker
    /// began with and two texts, however many requests each of them has sent.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func clientsWhoWaitHaveBeenGivenTheSame(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var configuration = BatchConfiguration()
        configuration.batchTokensMaximum = random.pick([16, 64, 128])
        configuration.interruptTokensMaxima = random.pick([[], [64], [256, 64]])
        configuration.clientShareMaximum = 1
        configuration.waitMaximum = .seconds(1_000)
        let length = 1 + random.below(configuration.batchTokensMaximum)
        let backlogs = (0..<2 + random.below(4)).map { _ in random.pick([5, 20, 100]) }
        let workers = 1 + random.below(3)
        var bench = QueueTests.Bench(workers: workers) { $0 = configuration }
        var waiting = submitAll(backlogs, length, to: &bench, &random)
        var given = backlogs.map { _ in 0 }
        var counted = 0
        func check() {
            for batch in bench.batches[counted...] {
                for item in batch.items {
                    let client = waiting.owners[Int(item.request.value)]
                    given[client] += length
                    waiting.counts[client] -= 1
                }
            }
            counted = bench.batches.count
            let present = given.indices.filter { waiting.counts[$0] > 0 }.map { given[$0] }
            // What began before the others came counts for nobody; then it is a text more or less.
            let bound = (workers + 2) * length
            let spread = (present.max() ?? 0) - (present.min() ?? 0)
            #expect(spread <= bound, "seed \(seed): \(present) tokens of \(backlogs) requests")
        }
        check()
        while counted > 0 {
            bench.now = bench.now.advanced(by: .microseconds(Int64(random.below(5_000))))
            _ = bench.endBatch()
            counted -= 1
            check()
        }
        #expect(waiting.counts.allSatisfy { $0 == 0 })
    }

    /// Each client's requests at one moment, shuffled.
    private func submitAll(
        _ backlogs: [Int], _ length: Int, to bench: inout QueueTests.Bench,
        _ random: inout SplitMix64
    ) -> (owners: [Int], counts: [Int]) {
        var owners = backlogs.indices.flatMap { Array(repeating: $0, count: backlogs[$0]) }
        for place in owners.indices.dropLast() {
            owners.swapAt(place, place + random.below(owners.count - place))
        }
        for owner in owners {
            bench.submit(length) { $0.client = ClientKey(UInt64(owner)) }
        }
        return (owners, backlogs)
    }
}
