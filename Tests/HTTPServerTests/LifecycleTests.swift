import HTTPServer
import HTTPWire
import Platform
import Synchronization
import Testing

/// Keeps exchanges until the test answers them.
final class HoldingService: RequestHandler {
    private let held = Locked<[Exchange]>([])
    private let abandonedCount = Atomic(0)

    func admit(_ head: RequestHead, from peer: Peer) -> Admission { .accept() }

    func handle(_ request: Request, _ exchange: Exchange) {
        exchange.onAbandon { self.abandonedCount.add(1, ordering: .relaxed) }
        held.withLock { $0.append(exchange) }
    }

    func response(to failure: ProtocolFailure) -> Response { Response(status: failure.status) }

    var abandoned: Int { abandonedCount.load(ordering: .relaxed) }

    func take() -> Exchange? {
        _ = waitUntil { self.held.withLock { !$0.isEmpty } }
        return held.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}

/// A client that only sends.
final class Sender: Sendable {
    private let socket: Socket

    init(_ address: SocketAddress) throws {
        socket = try Socket.connect(to: address, timeoutMilliseconds: 20_000)
    }

    func send(_ text: String) { _ = socket.send(Array(text.utf8)) }
}

/// Notes the order of requests, and lets a test act within the first one.
final class OrderingService: RequestHandler {
    private let paths = Locked<[String]>([])
    private let duringFirst = Locked<(@Sendable () -> Void)?>(nil)

    func duringFirst(_ action: @escaping @Sendable () -> Void) {
        duringFirst.withLock { $0 = action }
    }

    var order: [String] { paths.withLock { $0 } }

    func admit(_ head: RequestHead, from peer: Peer) -> Admission { .accept() }

    func handle(_ request: Request, _ exchange: Exchange) {
        paths.withLock { $0.append(request.head.path) }
        let action = duringFirst.withLock { action in
            defer { action = nil }
            return action
        }
        action?()
        exchange.respond(Response(status: .ok))
    }

    func response(to failure: ProtocolFailure) -> Response { Response(status: failure.status) }
}

/// What happens around a request: other threads, clients that go, drain, limits.
struct LifecycleTests {
    private static let get = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"

    private func text(_ string: String) -> Response {
        Response(status: .ok, contentType: "text/plain", body: Array(string.utf8))
    }

    @Test func pipelinedRequestsAreAnsweredInOrderOneByOne() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        let client = try TestClient(server.address)
        client.send((1...3).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
        for number in 1...3 {
            let exchange = try #require(service.take())
            #expect(exchange.head.path == "/\(number)")
            #expect(server.server.exchangeCount == 1)
            exchange.respond(text("\(number)"))
            exchange.respond(text("ignored"))
            #expect(try client.response()?.body == Array("\(number)".utf8))
        }
    }

    /// The second client's request is there before the first of the pipeline is answered.
    @Test(arguments: [true, false]) func aPipelineLetsOthersTakeTheirTurns(ends: Bool) throws {
        let service = OrderingService()
        let server = try TestServer(handler: service)
        let other = try Sender(server.address)
        service.duringFirst { other.send(Self.get) }
        let first = try TestClient(server.address)
        #expect(server.log.wait(for: .opened, count: 2))
        first.send(String(repeating: "GET /pipe HTTP/1.1\r\nHost: h\r\n\r\n", count: 500))
        if ends { first.shutDownSending() }
        for _ in 0..<500 { #expect(try first.response()?.status == 200) }
        let order = service.order
        #expect(try #require(order.firstIndex(of: "/health")) <= 3)
    }

    /// The response blocks the socket; the request behind it must not be forgotten when it is out.
    @Test func aPipelinedRequestWaitsForASlowReader() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        let client = try TestClient(server.address)
        client.send(Self.get + Self.get)
        let body = [UInt8](repeating: 0x61, count: 16 << 20)
        try #require(service.take()).respond(
            Response(status: .ok, contentType: "text/plain", body: body))
        pause(milliseconds: 50)
        #expect(try client.response()?.body == body)
        try #require(service.take()).respond(text("second"))
        #expect(try client.response()?.body == Array("second".utf8))
    }

    @Test func aResetAbandonsTheExchange() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        var client: TestClient? = try TestClient(server.address)
        client?.send(Self.get)
        let exchange = try #require(service.take())
        #expect(!exchange.isAbandoned)
        client?.reset()
        client = nil
        #expect(waitUntil { service.abandoned == 1 })
        #expect(exchange.isAbandoned)
        exchange.respond(text("too late"))
        #expect(server.log.wait(for: .closed(.reset)))
        #expect(waitUntil { server.server.connectionCount == 0 })
        #expect(server.server.exchangeCount == 0)
    }

    @Test func aHalfClosedClientIsStillAnswered() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        let client = try TestClient(server.address)
        client.send(Self.get)
        client.shutDownSending()
        let exchange = try #require(service.take())
        pause(milliseconds: 20)
        #expect(!exchange.isAbandoned)
        exchange.respond(text("ok"))
        let response = try #require(try client.response())
        #expect(response.status == 200)
        #expect(response["connection"] == "close")
        #expect(client.readToEnd())
    }

    @Test func asksForContentAndRefusesItUnread() throws {
        let server = try TestServer()
        let head = "HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        let client = try TestClient(server.address)
        client.send("POST /v1/embeddings \(head)")
        #expect(try client.response()?.status == 100)
        client.send("{}")
        #expect(try client.response()?.status == 200)
        client.send("POST /nope \(head)")
        #expect(try client.response()?.status == 404)
        #expect(client.readToEnd())
    }

    /// A client that is still sending must be able to read why it is refused.
    @Test func aStreamingClientReadsItsRefusal() throws {
        let server = try TestServer()
        for framing in ["Content-Length: 100000000", "Transfer-Encoding: chunked"] {
            let client = try TestClient(server.address)
            client.send("POST /v1/embeddings HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
            if framing.hasPrefix("T") { client.send("3000000\r\n") }
            let piece = [UInt8](repeating: 0x20, count: 1 << 20)
            for _ in 0..<24 { client.send(piece) }
            #expect(try client.response()?.status == 413)
            #expect(!client.wasReset)
        }
    }

    @Test func boundsTheContentOfAllConnectionsTogether() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service) { $0.admittedBodyBytesMaximum = 1000 }
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "
        let first = try TestClient(server.address)
        first.send("\(head)800\r\n\r\n" + String(repeating: "a", count: 800))
        let exchange = try #require(service.take())
        let second = try TestClient(server.address)
        second.send("\(head)300\r\n\r\n")
        #expect(try second.response()?.status == 503)
        exchange.respond(text("ok"))
        #expect(try first.response()?.status == 200)
        // The memory is free when the loop has heard of the response, which the client may have before.
        #expect(waitUntil { server.server.exchangeCount == 0 })
        let third = try TestClient(server.address)
        third.send("\(head)300\r\n\r\n" + String(repeating: "a", count: 300))
        #expect(service.take() != nil)
    }

    @Test func turnsAwayConnectionsBeyondTheLimit() throws {
        let server = try TestServer { $0.connectionCountMaximum = 2 }
        let kept = try (0..<2).map { _ in try TestClient(server.address) }
        for client in kept {
            client.send(Self.get)
            #expect(try client.response()?.status == 200)
        }
        let refused = try TestClient(server.address)
        #expect(try refused.response()?.status == 503)
        #expect(server.log.wait(for: .rejected(.connectionLimit)))
        kept[0].send(Self.get)
        #expect(try kept[0].response()?.status == 200)
    }

    @Test func compressesWhenAskedAndWorthIt() throws {
        let server = try TestServer { $0.compressionBytesMinimum = 1000 }
        let client = try TestClient(server.address)
        for (count, accepts, isCompressed) in [
            (2000, "gzip", true), (2000, "gzip;q=0", false), (2000, "br", false),
            (100, "gzip", false), (100, "gzip, identity;q=0", true), (2, "gzip, *;q=0", true),
            (100, "identity;q=0", false),
        ] {
            let body = "{" + String(repeating: "a", count: count - 2) + "}"
            client.send(
                "POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nAccept-Encoding: \(accepts)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let response = try #require(try client.response())
            #expect((response["content-encoding"] == "gzip") == isCompressed)
            #expect((response["vary"] == "accept-encoding") == (count >= 1000 || isCompressed))
            guard isCompressed else { continue }
            let inflater = try #require(
                ContentInflater(.gzip, bytesMaximum: 1 << 20, ratioMaximum: 1000))
            var content: [UInt8] = []
            try inflater.inflate(response.body.span, into: &content)
            try inflater.finish()
            #expect(content == Array(body.utf8))
        }
    }

    @Test func drainsWithoutLosingARequest() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service) { $0.loopCount = 2 }
        let idle = try TestClient(server.address)
        let busy = try TestClient(server.address)
        idle.send(Self.get)
        try #require(service.take()).respond(text("ok"))
        #expect(try idle.response()?["connection"] == nil)
        busy.send(Self.get)
        let exchange = try #require(service.take())

        server.server.beginDrain()
        let late = try TestClient(server.address)
        late.send(Self.get)
        try #require(service.take()).respond(text("late"))
        #expect(try late.response()?["connection"] == "close")

        let cutCount = Locked<Int?>(nil)
        server.server.close(after: .seconds(20)) { count in cutCount.withLock { $0 = count } }
        #expect(idle.readToEnd())
        exchange.respond(text("busy"))
        #expect(try busy.response()?.body == Array("busy".utf8))
        #expect(busy.readToEnd())
        #expect(waitUntil { cutCount.withLock { $0 } != nil })
        #expect(cutCount.withLock { $0 } == 0)
        #expect(throws: Socket.Failure.self) { try TestClient(server.address) }
    }

    @Test func cutsWhatIsLeftAfterTheGrace() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        let client = try TestClient(server.address)
        client.send(Self.get)
        let exchange = try #require(service.take())
        let cutCount = Locked<Int?>(nil)
        server.server.close(after: .milliseconds(50)) { count in cutCount.withLock { $0 = count } }
        #expect(waitUntil { cutCount.withLock { $0 } != nil })
        #expect(cutCount.withLock { $0 } == 1)
        #expect(exchange.isAbandoned)
        #expect(client.readToEnd())
    }
}
