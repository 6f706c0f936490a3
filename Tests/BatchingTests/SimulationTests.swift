import Batching
import Glibc
import Testing

/// Ten thousand seeds of the queue against the ledger.
///
/// `QUIVER_SIMULATION_SEED=n` plays one seed again; `QUIVER_SIMULATION_SEEDS=n` plays more or fewer.
struct SimulationTests {
    private static let parts = 20

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    @Test(arguments: 0..<parts)
    func everyStepKeepsEveryInvariant(part: Int) {
        let count = Self.number("QUIVER_SIMULATION_SEEDS") ?? 10_000
        var seeds = Array(stride(from: UInt64(part), to: count, by: Self.parts))
        if let seed = Self.number("QUIVER_SIMULATION_SEED") { seeds = part == 0 ? [seed] : [] }
        var total = BatchCounters()
        for seed in seeds {
            do {
                total.add(try Simulation.run(seed: seed))
            } catch {
                Issue.record("QUIVER_SIMULATION_SEED=\(seed): \(error)")
            }
        }
        // The simulation is worth nothing if it does not come where it hurts.
        guard seeds.count >= 100 else { return }
        let reached = [
            total.completed, total.cancelled, total.deadlineExpired, total.workerFailed,
            total.abandoned, total.refused, total.gangs, total.interrupts, total.itemsShared,
            total.joins - total.gangs, total.recalls,
        ]
        #expect(reached.allSatisfy { $0 > 0 }, "\(total)")
    }
}

extension BatchCounters {
    mutating func add(_ other: BatchCounters) {
        completed += other.completed
        cancelled += other.cancelled
        deadlineExpired += other.deadlineExpired
        workerFailed += other.workerFailed
        abandoned += other.abandoned
        refused += other.refused
        gangs += other.gangs
        joins += other.joins
        recalls += other.recalls
        interrupts += other.interrupts
        itemsShared += other.itemsShared
    }
}
