import HTTPServer
import HTTPWire
import Platform
import Testing

/// A server on a port of the system's choice that closes when the test lets it go.
final class TestServer {
    let server: Server
    let log = EventLog()

    var address: SocketAddress { server.address }

    init(
        handler: any RequestHandler = ProbeService(),
        _ configure: (inout ServerConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configure(&configuration)
        server = try Server(configuration: configuration, handler: handler, observer: log)
        try server.start()
    }

    deinit {
        server.close(after: .zero) { _ in }
    }
}

/// Keeps what a server's observer hears, and lets tests wait for it.
final class EventLog: ServerObserver {
    enum Event: Hashable, Sendable {
        case opened
        case closed(CloseReason)
        case rejected(ConnectionRejection)
        case missed(DeadlineKind)
        case failed(ProtocolFailure)
        case finished(status: Int, isAbandoned: Bool)
        case handshakeFailed(HandshakeFailure)
        case certificateLoaded
        case certificateFailed
    }

    private let events = Locked<[Event]>([])

    func count(_ event: Event) -> Int { events.withLock { $0.count { $0 == event } } }

    /// Waits, up to 30 s, until `event` has been heard `count` times.
    func wait(for event: Event, count wanted: Int = 1) -> Bool {
        waitUntil { self.count(event) >= wanted }
    }

    private func add(_ event: Event) { events.withLock { $0.append(event) } }

    func connectionOpened(from peer: Peer) { add(.opened) }
    func connectionClosed(_ reason: CloseReason, bytesReceived: Int, bytesSent: Int) {
        add(.closed(reason))
    }
    func connectionRejected(_ reason: ConnectionRejection) { add(.rejected(reason)) }
    func deadlineMissed(_ kind: DeadlineKind) { add(.missed(kind)) }
    func handshakeFailed(_ reason: HandshakeFailure, from peer: Peer) {
        add(.handshakeFailed(reason))
    }
    func certificateReloaded(_ outcome: CertificateReload) {
        switch outcome {
        case .loaded: add(.certificateLoaded)
        case .failed: add(.certificateFailed)
        }
    }
    func requestFailed(_ failure: ProtocolFailure, from peer: Peer) { add(.failed(failure)) }
    func exchangeFinished(_ record: ExchangeRecord) {
        add(.finished(status: record.status.code, isAbandoned: record.isAbandoned))
    }
}

/// Asks again every millisecond, up to 30 s: for conditions that other threads bring about.
func waitUntil(_ condition: () -> Bool) -> Bool {
    let end = MonotonicTime.now.advanced(by: .seconds(30))
    while !condition() {
        guard MonotonicTime.now < end else { return false }
        pause(milliseconds: 1)
    }
    return true
}
