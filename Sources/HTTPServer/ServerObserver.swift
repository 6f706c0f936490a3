import HTTPWire
import Platform

/// Hears what happens in the server; metrics and the access log are made of it.
///
/// Every call comes from a loop or a thread of the server, several at once, and must return quickly.
package protocol ServerObserver: Sendable {
    func connectionOpened(from peer: Peer)
    func connectionClosed(_ reason: CloseReason, bytesReceived: Int, bytesSent: Int)
    /// A connection was turned away before it had a state.
    func connectionRejected(_ reason: ConnectionRejection)
    func deadlineMissed(_ kind: DeadlineKind)
    /// A request failed before a handler saw it. `excerpt` holds at most the first 64 bytes received.
    func requestFailed(_ failure: ProtocolFailure, from peer: Peer)
    func handshakeFailed(_ reason: HandshakeFailure, from peer: Peer)
    /// The certificates were loaded, at start or again.
    func certificateReloaded(_ outcome: CertificateReload)
    func exchangeFinished(_ record: ExchangeRecord)
}

/// Everything about one exchange that does not depend on the route.
package struct ExchangeRecord: Sendable {
    package var head: RequestHead
    package var peer: Peer
    package var status: HTTPStatus
    /// Fields of the response as the service gave them, for its own marks such as a request id.
    package var responseFields: HTTPFields
    /// `Response.requester`.
    package var requester: String?
    /// Content bytes on the wire.
    package var requestBodyBytes: Int
    package var responseBodyBytes: Int
    package var receivedAt: MonotonicTime
    /// From the head's last byte to the response's last byte handed to the system.
    package var duration: TimeSpan
    /// Whether the client was gone before the response was written in full.
    package var isAbandoned: Bool
}

/// Why a connection ended.
package enum CloseReason: String, CaseIterable, Hashable, Sendable {
    case byClient = "client"
    case byResponse = "response"
    case reset = "reset"
    case failure = "parse_error"
    case deadline = "deadline"
    case draining = "draining"
    case handshake = "handshake"
}

/// Why a connection was turned away.
package enum ConnectionRejection: String, CaseIterable, Hashable, Sendable {
    case connectionLimit = "connection_limit"
    case descriptorLimit = "descriptor_limit"
    case handshakeLimit = "handshake_limit"
}

/// Which of a connection's deadlines passed.
package enum DeadlineKind: String, CaseIterable, Hashable, Sendable {
    case handshake = "handshake_timeout"
    case idle = "idle_timeout"
    case head = "header_timeout"
    case bodyRate = "body_rate"
    case body = "body_timeout"
    case writeRate = "write_rate"
    case linger = "linger_timeout"
}

/// Why a TLS handshake failed.
package enum HandshakeFailure: String, CaseIterable, Hashable, Sendable {
    case notTLS = "not_tls"
    case noCommonProtocol = "no_common_protocol"
    case certificate = "certificate"
    case disconnected = "disconnected"
    case timedOut = "timeout"
    case other = "other"
}

/// What came of looking at the certificate files again.
package enum CertificateReload: Hashable, Sendable {
    /// `notAfterSeconds` is when the first of them expires, in seconds since 1970; `warnings` are what
    /// clients will not like, one line each.
    case loaded(notAfterSeconds: Int64, warnings: [String])
    case failed(String)
}

extension ServerObserver {
    package func connectionOpened(from peer: Peer) {}
    package func connectionClosed(_ reason: CloseReason, bytesReceived: Int, bytesSent: Int) {}
    package func connectionRejected(_ reason: ConnectionRejection) {}
    package func deadlineMissed(_ kind: DeadlineKind) {}
    package func requestFailed(_ failure: ProtocolFailure, from peer: Peer) {}
    package func handshakeFailed(_ reason: HandshakeFailure, from peer: Peer) {}
    package func certificateReloaded(_ outcome: CertificateReload) {}
    package func exchangeFinished(_ record: ExchangeRecord) {}
}

/// Hears nothing.
package struct SilentObserver: ServerObserver {
    package init() {}
}
