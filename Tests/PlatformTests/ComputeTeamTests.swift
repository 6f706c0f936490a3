import Glibc
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

    /// A helper that comes while the leader works, and goes while it works on.
    @Test func takesHelpersAndLetsThemGo() {
        let team = ComputeTeam(width: 2, helpers: 0)
        #expect(team.strength == 1)
        team.expectHelper()
        #expect(team.strength == 2)
        let recall = Recall()
        let hasLeft = Locked(false)
        let helper = NamedThread(name: "helper") {
            team.serve(until: recall)
            hasLeft.withLock { $0 = true }
        }
        let helpers = Locked<Set<UInt>>([])
        let leader = pthread_self()
        while helpers.withLock({ $0.isEmpty }) {
            team.run(parts: 2) { _ in
                let thread = pthread_self()
                if thread != leader { helpers.withLock { _ = $0.insert(thread) } }
            }
        }
        #expect(!hasLeft.withLock { $0 })
        recall.set()
        helper.join()
        #expect(hasLeft.withLock { $0 } && team.strength == 1 && !team.isDismissed)
        let sum = Locked(0)
        team.run(parts: 5) { part in sum.withLock { $0 += part } }
        #expect(sum.withLock { $0 } == 10)
        team.dismiss()
        #expect(team.helperTotal == 1)
    }

    @Test func semaphoreGivesUpAtItsDeadline() {
        let semaphore = Semaphore()
        #expect(!semaphore.wait(until: MonotonicTime.now.advanced(by: .milliseconds(2))))
        semaphore.signal()
        #expect(semaphore.wait(until: MonotonicTime(nanoseconds: 0)))
    }
}
