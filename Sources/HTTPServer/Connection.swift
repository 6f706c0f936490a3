import HTTPWire
import Platform

/// One client's connection; it belongs to one loop and is touched by nobody else.
///
/// Nothing calls back into a connection while one of its values changes itself, so the checks for that
/// are left out where they are asked for with every request.
final class Connection {
    let stream: ConnectionSocket
    let token: UInt64
    var peer: Peer
    @exclusivity(unchecked) var machine: ConnectionMachine
    @exclusivity(unchecked) var deadline: ConnectionDeadline
    /// When the timer wheel will bring this connection up; an entry with another time is stale.
    var scheduledAt: MonotonicTime?
    var interest: Poller.Interest = .input
    /// Whether there may be something to read or room to write of which no new report will come.
    var wantsNewReport = false
    var tls: TLSEngine?
    var isHandshaking = false

    /// Bytes that came while a response was awaited, from `heldStart` on.
    var held: [UInt8] = []
    var heldStart = 0
    /// Whether the connection has had its request of this turn, and waits for the others to have theirs.
    var isInLine = false
    var hasInputEnded = false
    var isClosed = false

    /// The request in hand; nil while a failure of the protocol is answered.
    var head: RequestHead?
    var exchange: Exchange?
    var receivedAt = MonotonicTime(nanoseconds: 0)
    @exclusivity(unchecked) var content = RequestContent()
    var requestBodyBytes = 0

    @exclusivity(unchecked) var outbox = Outbox.empty
    var response: PendingResponse?

    var bytesReceived = 0
    var bytesSent = 0
    /// Input dropped since the last response.
    var lingeredBytes = 0

    init(
        rawDescriptor: Int32, token: UInt64, peer: Peer, machine: ConnectionMachine,
        deadline: ConnectionDeadline
    ) {
        stream = ConnectionSocket(owning: rawDescriptor)
        self.token = token
        self.peer = peer
        self.machine = machine
        self.deadline = deadline
    }

    /// What the observer will want to know of the response being written.
    struct PendingResponse {
        var status: HTTPStatus
        var fields: HTTPFields
        var requester: String?
        var bodyBytes: Int
        /// Whether the observer has been told by who sent it.
        var isReported = false
    }

    /// Whether a response is out and the next request has not begun.
    var isBetweenRequests: Bool { machine.phase == .idle || machine.phase == .draining }

    var hasHeldInput: Bool { heldStart < held.count }

    /// Whether encrypted or plain bytes wait for the socket.
    var hasOutput: Bool { !outbox.isEmpty || (tls?.pendingCiphertextCount ?? 0) > 0 }
}

extension Poller.Interest {
    /// Input and its end, once for each arrival.
    static let input: Poller.Interest = [.readable, .ending, .edges]
    /// Room for output.
    static let output: Poller.Interest = [.writable, .edges]
    /// Nothing but a broken connection.
    static let failure: Poller.Interest = .edges
}
