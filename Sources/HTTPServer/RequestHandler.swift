import HTTPWire
import Platform

/// What the server asks of the service: three decisions, made on the connection's loop.
///
/// None of them may block: a loop serves many connections.
package protocol RequestHandler: Sendable {
    /// Decides on a request when its head is there, before its content is read or asked for.
    ///
    /// Authorisation, routing and admission by Content-Length belong here: a refused request costs
    /// neither memory nor a 100 (Continue).
    func admit(_ head: RequestHead, from peer: Peer) -> Admission

    /// Takes an admitted request with its complete, inflated content. The response may be given
    /// within the call or later, from any thread, by `exchange.respond`.
    func handle(_ request: Request, _ exchange: Exchange)

    /// Dresses a failure of the protocol in the service's error format.
    func response(to failure: ProtocolFailure) -> Response
}

/// The verdict on a request's head.
package enum Admission: Sendable {
    /// Read the content, up to `bodyBytesMaximum` bytes when it is less than the server's own limit.
    case accept(bodyBytesMaximum: Int? = nil)
    /// Answer at once and do not read the content.
    case refuse(Response)
}

/// Who is at the other end of a connection.
package struct Peer: Hashable, Sendable {
    package var address: SocketAddress
    /// Whether the connection is TLS.
    package var isSecure: Bool
    /// The DNS, e-mail and URI names in the verified client certificate.
    package var certificateNames: [String]

    package init(
        address: SocketAddress, isSecure: Bool = false, certificateNames: [String] = []
    ) {
        self.address = address
        self.isSecure = isSecure
        self.certificateNames = certificateNames
    }
}

/// A complete request.
package struct Request: Sendable {
    package var head: RequestHead
    /// The content with its transfer and content codings undone; empty when there is none.
    package var body: [UInt8]
    package var peer: Peer

    package init(head: RequestHead, body: [UInt8] = [], peer: Peer) {
        self.head = head
        self.body = body
        self.peer = peer
    }
}
