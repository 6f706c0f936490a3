import CPlatform
import Glibc
import Synchronization

/// Threads that compute the parts of one job together, with joins of well under a microsecond.
///
/// The leader calls `run` as often as it likes, then `dismiss`; helpers call `serve`, which returns
/// after the dismissal. Parts are claimed one by one, so a helper that the system has not woken yet
/// is not waited for: the leader does its parts. So helpers may come at any moment, and go when they
/// are recalled. Between jobs helpers spin, then yield; a team is for the milliseconds of one
/// computation on a machine that has nothing else to do.
package final class ComputeTeam: @unchecked Sendable {
    /// The number of threads at most, the leader included; parts may be fewer or more.
    package let width: Int
    /// Helpers that are here or on their way.
    private let helpers: Atomic<Int>
    private let total: Atomic<Int>

    /// Generation, number of parts, next part: one word, so that a claim fails when the job that
    /// it was meant for is over.
    private struct Word {
        static let dismissed = UInt64.max

        var generation: UInt32
        var parts: UInt16
        var next: UInt16

        init(generation: UInt32, parts: UInt16, next: UInt16) {
            self.generation = generation
            self.parts = parts
            self.next = next
        }

        init(_ word: UInt64) {
            generation = UInt32(truncatingIfNeeded: word >> 32)
            parts = UInt16(truncatingIfNeeded: word >> 16)
            next = UInt16(truncatingIfNeeded: word)
        }

        var word: UInt64 { UInt64(generation) << 32 | UInt64(parts) << 16 | UInt64(next) }
    }

    private let word = Atomic<UInt64>(0)
    private let done = Atomic<Int>(0)
    /// Written by the leader alone, before the release of a new word and after the last part of
    /// the job is done; read by whoever has claimed a part, in between.
    private var body: ((Int) -> Void)?

    /// A team of a leader and the helpers that have been sent to it: all of them, unless
    /// `helpers` says how many; `expectHelper` announces others.
    package init(width: Int, helpers: Int? = nil) {
        self.width = width
        self.helpers = Atomic(helpers ?? max(width - 1, 0))
        total = Atomic(helpers ?? max(width - 1, 0))
    }

    /// How many threads there are to compute parts, those on their way included: from one up to the
    /// width, and never the same for long.
    ///
    /// A leader who is alone does better not to divide what it computes.
    package var strength: Int { min(helpers.load(ordering: .relaxed) + 1, width) }

    /// Announces a thread that will call `serve` soon.
    package func expectHelper() {
        helpers.add(1, ordering: .relaxed)
        total.add(1, ordering: .relaxed)
    }

    /// Helpers that the team has had, or was to have.
    package var helperTotal: Int { total.load(ordering: .relaxed) }

    /// Whether the team is over.
    package var isDismissed: Bool { word.load(ordering: .relaxed) == Word.dismissed }

    /// Calls `body` with 0 up to `parts - 1`, each once, and returns when all calls have returned.
    ///
    /// Each call is made on whichever thread claims the part. Only the leader calls `run`, and not
    /// from within a part.
    package func run(parts: Int, _ body: (Int) -> Void) {
        guard parts > 1, width > 1 else {
            for part in 0..<max(parts, 0) { body(part) }
            return
        }
        precondition(parts < UInt16.max, "a job of \(parts) parts")
        withoutActuallyEscaping(body) { body in
            self.body = body
            done.store(0, ordering: .relaxed)
            let generation = Word(word.load(ordering: .relaxed)).generation &+ 1
            let start = Word(generation: generation & 0x7FFF_FFFF, parts: UInt16(parts), next: 0)
            word.store(start.word, ordering: .releasing)
            while let part = claim() { compute(part) }
            var spins = 0
            while done.load(ordering: .acquiring) < parts { Self.pause(&spins) }
            self.body = nil
        }
    }

    /// Sends the helpers home; the team is over.
    package func dismiss() {
        word.store(Word.dismissed, ordering: .releasing)
    }

    /// Lends the calling thread to the team until the team is dismissed or the thread is recalled.
    package func serve(until recall: Recall? = nil) {
        defer { helpers.subtract(1, ordering: .relaxed) }
        var spins = 0
        while !isDismissed, recall?.isSet != true {
            if let part = claim() {
                compute(part)
                spins = 0
            } else {
                Self.pause(&spins)
            }
        }
    }

    private func claim() -> Int? {
        var seen = word.load(ordering: .relaxed)
        while seen != Word.dismissed {
            var next = Word(seen)
            guard next.next < next.parts else { return nil }
            let part = Int(next.next)
            next.next += 1
            let (exchanged, original) = word.weakCompareExchange(
                expected: seen, desired: next.word, successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed)
            if exchanged { return part }
            seen = original
        }
        return nil
    }

    private func compute(_ part: Int) {
        call(part)
        done.add(1, ordering: .releasing)
    }

    /// Not inlined: the reference that it takes on the closure is gone before the part counts as
    /// done, so the closure does not outlive the leader's call.
    @inline(never)
    private func call(_ part: Int) {
        body?(part)
    }

    private static func pause(_ spins: inout Int) {
        spins += 1
        if spins < 2_000 { cplatform_pause() } else { sched_yield() }
    }
}
