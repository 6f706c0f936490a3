import HTTPWire
import Platform

/// The state of one loop and the thin shell around its connections' machines.
///
/// It lives on the loop's thread and never leaves it, so nothing here is locked.
final class LoopCore {
    let loop: EventLoop
    let shared: ServerShared
    let loops: [EventLoop]
    var listener: ListenerSocket?
    var now = MonotonicTime.now
    @exclusivity(unchecked) var wheel = TimerWheel()
    var dateSecond = -1
    var date: [UInt8] = []

    /// Connections by slot; a token is the slot and how often it has been used.
    var slots: [Connection?] = []
    var generations: [UInt32] = []
    var freeSlots: [Int] = []
    /// Connections that hold a request and have had their turn.
    var line: [UInt64] = []
    var connectionCount = 0

    /// One read buffer for all connections: between reads they own only what they must keep.
    @exclusivity(unchecked) var readBuffer = [UInt8](repeating: 0, count: 64 << 10)
    var plainBuffer: [UInt8] = []
    @exclusivity(unchecked) var headBuffer: [UInt8] = []

    var nextLoop = 0
    var spare: FileDescriptor?
    var acceptResumesAt: MonotonicTime?
    var acceptPause = LoopCore.acceptPauseMinimum
    var closing: (deadline: MonotonicTime, completion: @Sendable (Int) -> Void)?

    static let listenerToken = UInt64.max - 1
    static let acceptPauseMinimum = TimeSpan.milliseconds(100)
    /// For how long a response that is out may stay unheard of.
    private static let unheardMaximum = TimeSpan.milliseconds(50)

    init(loop: EventLoop, listener: ListenerSocket?, loops: [EventLoop]) {
        self.loop = loop
        self.shared = loop.shared
        self.listener = listener
        self.loops = loops
        if let listener {
            spare = FileDescriptor.openSpare()
            watch(listener)
        }
    }

    /// Serves until closed and empty.
    func run() {
        var events: [Poller.Event] = []
        while !isFinished {
            now = .now
            for message in loop.takeMessages() { receive(message) }
            expireDeadlines()
            loop.poller.prepareToPark()
            loop.poller.wait(
                into: &events,
                milliseconds: loop.hasMessages || !line.isEmpty || isFinished
                    ? 0 : sleepMilliseconds())
            now = .now
            for event in events { handle(event) }
            if !line.isEmpty { serveLine() }
        }
        finishClosing()
    }

    private func handle(_ event: Poller.Event) {
        if event.token == Self.listenerToken {
            acceptConnections()
            return
        }
        guard let connection = connection(event.token) else { return }
        finishSent(connection)
        if event.isBroken && connection.machine.phase != .lingering {
            close(connection, .reset)
            return
        }
        if event.isWritable {
            flush(connection)
            connection.wantsNewReport = connection.hasOutput
            pumpHeld(connection)
        }
        if (event.isReadable || event.isBroken) && !connection.isClosed {
            read(connection, isEnding: event.isEnding || event.isBroken)
        }
        settle(connection)
    }

    private func receive(_ message: EventLoop.Message) {
        switch message {
        case .adopt(let rawDescriptor, let peer): adopt(rawDescriptor, peer: peer)
        case .answered(let token, let exchange):
            guard let connection = connection(token), connection.exchange === exchange,
                let (response, sent) = exchange.takeAnswer()
            else { return }
            if let sent { finish(connection, response, sent) } else { answer(connection, response) }
            continueReading(connection)
        case .compressed(let token, let exchange, let response, let body):
            guard let connection = connection(token), connection.exchange === exchange else {
                return
            }
            var compressed = response
            if let body { compressed.body = body }
            write(connection, compressed, isGzipped: body != nil)
            continueReading(connection)
        case .stopListening: stopListening()
        case .close(let deadline, let completion):
            stopListening()
            closing = (deadline, completion)
        }
    }

    /// After a response that came from elsewhere: goes on with what is held, and settles.
    func continueReading(_ connection: Connection) {
        pumpHeld(connection)
        settle(connection)
    }

    // MARK: Time

    private func sleepMilliseconds() -> Int32 {
        var sleep = wheel.sleepMaximum(now: now)
        let mayBeUnheard = shared.exchangeCount.load(ordering: .relaxed) > 0
        let unheard = mayBeUnheard ? now.advanced(by: Self.unheardMaximum) : nil
        for moment in [acceptResumesAt, closing?.deadline, unheard] {
            guard let moment else { continue }
            let left = max(moment.interval(since: now), .zero)
            sleep = sleep.map { min($0, left) } ?? left
        }
        guard let sleep else { return -1 }
        return Int32(clamping: sleep.nanoseconds / 1_000_000 + 1)
    }

    private func expireDeadlines() {
        if let moment = acceptResumesAt, moment <= now, let listener {
            acceptResumesAt = nil
            watch(listener)
        }
        for entry in wheel.expire(now: now) {
            guard let connection = connection(entry.token), connection.scheduledAt == entry.time
            else { continue }
            connection.scheduledAt = nil
            switch connection.deadline.check(now: now) {
            case .none: break
            case .waitUntil(let moment): schedule(connection, at: moment)
            case .missed(let kind):
                miss(connection, kind)
                settle(connection)
            }
        }
    }

    private func schedule(_ connection: Connection, at moment: MonotonicTime) {
        if let scheduledAt = connection.scheduledAt, scheduledAt <= moment { return }
        connection.scheduledAt = moment
        wheel.insert(TimerWheel.Entry(token: connection.token, time: moment))
    }

    /// The value of the Date field, made once a second.
    func currentDate() -> [UInt8] {
        let second = wallClockSeconds()
        if second != dateSecond {
            dateSecond = second
            date = HTTPDate.format(secondsSince1970: second)
        }
        return date
    }

    // MARK: Connections

    func connection(_ token: UInt64) -> Connection? {
        let slot = Int(token & 0xFFFF_FFFF)
        guard slot < slots.count, let connection = slots[slot], connection.token == token else {
            return nil
        }
        return connection
    }

    /// Brings deadline and interest in line with where the connection now stands.
    func settle(_ connection: Connection) {
        // Nobody wakes the loop for a response that is out, unless there is more to do behind it.
        while connection.hasHeldInput || connection.hasInputEnded,
            connection.exchange?.hearAtOnce() == true
        {
            finishSent(connection)
        }
        guard !connection.isClosed else { return }
        let activity: ConnectionDeadline.Activity
        switch connection.machine.phase {
        case _ where connection.isHandshaking: activity = .handshake
        case _ where connection.hasOutput: activity = .writing
        case .idle:
            if case .idle(isFirst: true) = connection.deadline.activity {
                activity = .idle(isFirst: true)
            } else {
                activity = .idle(isFirst: false)
            }
        case .head: activity = .head
        case .body, .draining: activity = .body
        case .deciding, .handling, .responding: activity = .handling
        case .lingering: activity = .linger
        }
        connection.deadline.enter(activity, now: now)
        if case .waitUntil(let moment) = connection.deadline.check(now: now) {
            schedule(connection, at: moment)
        }

        let interest = wantedInterest(connection)
        guard interest != connection.interest || connection.wantsNewReport else { return }
        connection.interest = interest
        connection.wantsNewReport = false
        let isWatched = loop.poller.modify(
            connection.stream.socket.descriptor.rawValue, token: connection.token,
            interest: interest)
        // Nothing would ever be heard of it.
        if !isWatched { close(connection, .reset) }
    }

    private func wantedInterest(_ connection: Connection) -> Poller.Interest {
        if connection.hasOutput && !connection.isHandshaking { return .output }
        if connection.hasInputEnded { return .failure }
        let heldCount = connection.held.count - connection.heldStart
        if heldCount >= shared.configuration.pipelinedBytesMaximum { return .failure }
        return connection.hasOutput ? [.input, .output] : .input
    }
}
