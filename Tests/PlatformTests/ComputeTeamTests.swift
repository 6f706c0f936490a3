import Platform
import Testing

struct ComputeTeamTests {
    /// Every part of every job is computed once, by whoever is there; joins are complete.
    @Test(arguments: [1, 2, 3])
    func computesEveryPartOnce(width: Int) {
        let team = ComputeTeam(width: width)
        let helpers = (1..<width).map { index in
            NamedThread(name: "helper-\(index)") { team.serve() }
        }
        for job in 0..<2_000 {
            let parts = job % 7
            let counts = Locked([Int](repeating: 0, count: parts))
            team.run(parts: parts) { part in counts.withLock { $0[part] += 1 } }
            #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
        }
        team.dismiss()
        for helper in helpers { helper.join() }
    }

    @Test func doesNotNeedItsHelpers() {
        let team = ComputeTeam(width: 4)
        let sum = Locked(0)
        team.run(parts: 10) { part in sum.withLock { $0 += part } }
        team.dismiss()
        team.serve()
        #expect(sum.withLock { $0 } == 45)
    }

    @Test func semaphoreGivesUpAtItsDeadline() {
        let semaphore = Semaphore()
        #expect(!semaphore.wait(until: MonotonicTime.now.advanced(by: .milliseconds(2))))
        semaphore.signal()
        #expect(semaphore.wait(until: MonotonicTime(nanoseconds: 0)))
    }
}
