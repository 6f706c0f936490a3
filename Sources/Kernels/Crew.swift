import Platform

/// The threads of a team, under the name that the encoder's callers use.
package typealias Team = ComputeTeam

/// One part of a piece of work that is split into equal parts.
package struct Part {
    package let index: Int
    package let count: Int

    /// This part of `units` equal pieces: all parts together are all of them.
    package func share(of units: Int) -> Range<Int> {
        (units * index / count)..<(units * (index + 1) / count)
    }
}

/// Who does a step: the calling thread alone, or a team with it.
package struct Crew {
    private let team: ComputeTeam?

    package init(_ team: ComputeTeam?) {
        self.team = team
    }

    /// The most parts that work is ever split into, now and as long as the team lasts.
    package var width: Int { team?.width ?? 1 }

    /// Calls `body` once for each part and returns when all are done.
    @inline(__always)
    package func split(_ body: (Part) -> Void) {
        // Read once: helpers come and go meanwhile.
        let count = team?.strength ?? 1
        guard let team, count > 1 else {
            body(Part(index: 0, count: 1))
            return
        }
        team.run(parts: count) { body(Part(index: $0, count: count)) }
    }
}
