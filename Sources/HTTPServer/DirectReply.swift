import HTTPWire
import Platform

/// A connection's socket, for its loop and for who writes a response to it from elsewhere.
///
/// The descriptor closes with the last reference, so its number is never another connection's while
/// somebody writes.
final class ConnectionSocket: Sendable {
    let socket: Socket

    init(owning rawDescriptor: Int32) {
        socket = Socket(owning: rawDescriptor)
    }
}

/// The right to write one response to a connection from the thread that gives it.
///
/// A response that waits for its loop to wake up is late by tens of microseconds: while a text was
/// computed the loop's processor has gone to sleep. The loop gives this right away only where nothing
/// else is to be written, and writes nothing itself until it hears of the response.
struct DirectReply: Sendable {
    let stream: ConnectionSocket
    let shared: ServerShared
    let head: RequestHead
    /// Content bytes of the request on the wire.
    let requestBodyBytes: Int

    /// What came of it: how much the socket took, and what is left for the loop to send.
    struct Sent: Sendable {
        var result: IOResult
        var rest: Outbox
        /// When the system had taken what it took.
        var time: MonotonicTime
        /// Content bytes of the response on the wire.
        var bodyBytes: Int

        /// Whether the response is out; then who sent it reports it, too.
        var isComplete: Bool {
            if case .bytes = result { rest.isEmpty } else { false }
        }
    }

    /// Larger content is the loop's to write, so that a compute thread is not kept from its work.
    static let bodyBytesMaximum = 64 << 10

    /// Sends the response if it is one that needs no loop; nil when nothing was sent.
    func send(_ response: Response) -> Sent? {
        guard response.body.count <= Self.bodyBytesMaximum, !response.closesConnection,
            !shared.isDraining.load(ordering: .relaxed),
            shared.coding(of: response, for: head) == .identity
        else { return nil }
        let hasContent = !response.status.forbidsContent
        let body = hasContent && head.method != .head ? response.body : []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512 + body.count)
        ResponseSerializer.appendHead(
            status: response.status, fields: response.fields,
            framing: ResponseSerializer.Framing(
                contentLength: hasContent ? response.body.count : nil,
                confirmsKeepAlive: head.version == .http1_0,
                varies: shared.isCompressible(response)),
            date: HTTPDate.format(secondsSince1970: wallClockSeconds()), to: &bytes)
        bytes.append(contentsOf: body)
        var outbox = Outbox(head: bytes, body: [])
        let result = outbox.send(to: stream.socket)
        return Sent(result: result, rest: outbox, time: .now, bodyBytes: body.count)
    }

    /// Tells the observer of a response that is out.
    ///
    /// Here and not on the loop, which has other connections to serve.
    func report(_ response: Response, _ sent: Sent, to exchange: Exchange) {
        guard sent.isComplete else { return }
        shared.observer.exchangeFinished(
            ExchangeRecord(
                head: head, peer: exchange.peer, status: response.status,
                responseFields: response.fields, requester: response.requester,
                requestBodyBytes: requestBodyBytes, responseBodyBytes: sent.bodyBytes,
                receivedAt: exchange.receivedAt,
                duration: sent.time.interval(since: exchange.receivedAt), isAbandoned: false))
    }
}

extension ServerShared {
    /// Whether the response depends on what codings the client accepts.
    func isCompressible(_ response: Response) -> Bool {
        guard let minimum = configuration.compressionBytesMinimum else { return false }
        return response.body.count >= minimum && !response.status.forbidsContent
            && !response.fields.contains("content-encoding")
    }

    /// How the response to a request with this head is to be coded.
    ///
    /// A small one is compressed for a client alone that refuses content without coding.
    func coding(of response: Response, for head: RequestHead) -> ResponseCoding {
        guard configuration.compressionBytesMinimum != nil, head.method != .head,
            head.fields.contains("accept-encoding"), !response.body.isEmpty,
            !response.status.forbidsContent, !response.fields.contains("content-encoding")
        else { return .identity }
        let coding = ResponseCoding(head.fields)
        return coding == .gzip && !isCompressible(response) ? .identity : coding
    }
}
