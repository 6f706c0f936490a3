import Platform

/// The one deadline that a connection has at any time, as a value.
struct ConnectionDeadline {
    /// What the connection is doing, as far as time is concerned.
    enum Activity: Equatable {
        case handshake
        /// Waiting for the first byte of a request; of the first one as long as for a whole head.
        case idle(isFirst: Bool)
        case head
        case body
        case writing
        case linger
        /// The request is with the service, which has deadlines of its own.
        case handling
    }

    enum Verdict: Equatable {
        case none
        case waitUntil(MonotonicTime)
        case missed(DeadlineKind)
    }

    private(set) var activity: Activity
    private var start: MonotonicTime
    private var bytes = 0
    private let deadlines: ServerDeadlines

    init(activity: Activity, deadlines: ServerDeadlines, now: MonotonicTime) {
        self.activity = activity
        self.deadlines = deadlines
        start = now
    }

    /// Notes what the connection is doing now; a change begins a new time.
    mutating func enter(_ activity: Activity, now: MonotonicTime) {
        guard activity != self.activity else { return }
        // The first head is timed from the accept on.
        let continuesFirst = self.activity == .idle(isFirst: true) && activity == .head
        self.activity = activity
        bytes = 0
        if !continuesFirst { start = now }
    }

    /// A response is out: the time until the next request begins.
    mutating func beginIdle(now: MonotonicTime) {
        activity = .idle(isFirst: false)
        start = now
        bytes = 0
    }

    /// Counts content bytes that went by, in the direction of the activity.
    mutating func note(bytes count: Int) { bytes += count }

    /// Whether the deadline has passed at `now`, or when to ask again.
    func check(now: MonotonicTime) -> Verdict {
        switch activity {
        case .handling: .none
        case .handshake: absolute(deadlines.handshake, .handshake, now)
        case .idle(let isFirst):
            absolute(isFirst ? deadlines.head : deadlines.idle, .idle, now)
        case .head: absolute(deadlines.head, .head, now)
        case .linger: absolute(deadlines.linger, .linger, now)
        case .body:
            switch absolute(deadlines.body, .body, now) {
            case .waitUntil(let end): rate(.bodyRate, now, until: end)
            case .missed(let kind): .missed(kind)
            case .none: .none
            }
        case .writing: rate(.writeRate, now, until: nil)
        }
    }

    private func absolute(
        _ limit: TimeSpan, _ kind: DeadlineKind, _ now: MonotonicTime
    ) -> Verdict {
        let end = start.advanced(by: limit)
        return now < end ? .waitUntil(end) : .missed(kind)
    }

    /// The moment when the bytes so far become too few, at the slowest rate that is borne.
    private func rate(
        _ kind: DeadlineKind, _ now: MonotonicTime, until end: MonotonicTime?
    ) -> Verdict {
        let paid = TimeSpan.seconds(Double(bytes) / Double(deadlines.bytesPerSecondMinimum))
        let due = start.advanced(by: max(paid, deadlines.rateGrace))
        guard now < due else { return .missed(kind) }
        return .waitUntil(end.map { min($0, due) } ?? due)
    }
}
