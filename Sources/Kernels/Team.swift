import CKernels
import Platform
import Synchronization

import func Glibc.sched_yield

/// One thread's part in a piece of work that a team does together.
package struct TeamMember {
    /// 0 for the thread that called `Team.run`.
    package let index: Int
    package let count: Int
    private let barrier: Barrier?

    fileprivate init(index: Int, count: Int, barrier: Barrier?) {
        self.index = index
        self.count = count
        self.barrier = barrier
    }

    /// A thread that does all of the work.
    package static let alone = TeamMember(index: 0, count: 1, barrier: nil)

    /// This member's part of `units` equal pieces of work: all parts together are all of them.
    package func share(of units: Int) -> Range<Int> {
        (units * index / count)..<(units * (index + 1) / count)
    }

    /// Waits until every member has come here; what they wrote before is then visible to all.
    package func meet() {
        barrier?.meet()
    }
}

/// A meeting point of threads that spin: it is passed within a microsecond when all are running.
private final class Barrier: Sendable {
    private let count: Int
    private let arrived = Atomic<Int>(0)
    private let round = Atomic<Int>(0)

    init(count: Int) {
        self.count = count
    }

    func meet() {
        let current = round.load(ordering: .relaxed)
        if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == count {
            arrived.store(0, ordering: .relaxed)
            round.wrappingAdd(1, ordering: .releasing)
            return
        }
        var spin = Spin()
        while round.load(ordering: .acquiring) == current { spin.wait() }
    }
}

/// Waiting without sleeping: busy at first, then giving the processor to whoever else wants it.
private struct Spin {
    private var turns = 0
    /// About 50 microseconds, longer than any part of a layer should differ.
    private static let busyTurns = 1_000

    mutating func wait() {
        turns += 1
        if turns < Self.busyTurns {
            ck_pause()
        } else {
            sched_yield()
        }
    }
}

/// What the threads of a team share; it lives until the last of them has ended.
private final class TeamState: @unchecked Sendable {
    let count: Int
    let barrier: Barrier
    let bells: [Platform.Semaphore]
    let remaining = Atomic<Int>(0)
    let isEnding = Atomic<Bool>(false)
    /// Safe to share: written before the bells ring and read after; cleared when all are done.
    var work: (@Sendable (TeamMember) -> Void)?

    init(count: Int) {
        self.count = count
        barrier = Barrier(count: count)
        bells = (1..<count).map { _ in Platform.Semaphore() }
    }

    /// The life of the thread of member `index`.
    func serve(_ index: Int) {
        while true {
            bells[index - 1].wait()
            if isEnding.load(ordering: .acquiring) { return }
            work?(TeamMember(index: index, count: count, barrier: barrier))
            remaining.wrappingSubtract(1, ordering: .releasing)
        }
    }
}

/// Threads that split one small request among them, so that it is done sooner.
///
/// Between requests they sleep; only within `run` do they spin. One caller uses a team at a time.
package final class Team: Sendable {
    private let state: TeamState
    private let threads: [NamedThread]

    /// The number of threads, with the caller.
    package var count: Int { state.count }

    /// A team of `count` threads, of which one is the caller of `run`.
    package init(count: Int, name: String = "team") {
        precondition(count > 0)
        let state = TeamState(count: count)
        self.state = state
        threads = (1..<count).map { index in
            NamedThread(name: "\(name)-\(index)") { state.serve(index) }
        }
    }

    deinit {
        state.isEnding.store(true, ordering: .releasing)
        for bell in state.bells { bell.signal() }
        for thread in threads { thread.join() }
    }

    /// Calls `body` on every member at once and returns when all have finished.
    package func run(_ body: @escaping @Sendable (TeamMember) -> Void) {
        state.work = body
        state.remaining.store(count - 1, ordering: .releasing)
        for bell in state.bells { bell.signal() }
        body(TeamMember(index: 0, count: count, barrier: state.barrier))
        var spin = Spin()
        while state.remaining.load(ordering: .acquiring) > 0 { spin.wait() }
        state.work = nil
    }
}
