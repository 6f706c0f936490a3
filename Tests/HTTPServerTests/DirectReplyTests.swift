import HTTPServer
import HTTPWire
import Platform
import Testing

/// Answers every request before its handler returns, so that the loop writes the response.
private struct PromptService: RequestHandler {
    let given: Response

    func admit(_ head: RequestHead, from peer: Peer) -> Admission { .accept() }

    func handle(_ request: Request, _ exchange: Exchange) { exchange.respond(given) }

    func response(to failure: ProtocolFailure) -> Response { Response(status: failure.status) }
}

/// A response that another thread sends is, to the byte, the one that the loop would have sent.
@Suite(.serialized) struct DirectReplyTests {
    private static func sized(_ count: Int) -> Response {
        Response(
            status: .ok, contentType: "text/plain",
            body: (0..<count).map { UInt8(truncatingIfNeeded: 97 + $0 % 26) })
    }

    private static let responses: [Response] = {
        var closing = sized(5)
        closing.closesConnection = true
        var named = sized(100)
        named.status = .serviceUnavailable
        named.fields.append("retry-after", "3")
        // Around what is sent from elsewhere, and more than a socket takes at once.
        let sizes = [0, 1, 4_000, 16_384, 65_536, 65_537, 1 << 22]
        return [Response(status: .noContent), closing, named] + sizes.map(sized)
    }()

    private static let requests = [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    ]

    @Test(arguments: requests, responses.indices)
    func theResponseIsTheLoops(request: String, index: Int) throws {
        let response = Self.responses[index]
        let prompt = try TestServer(handler: PromptService(given: response))
        let service = HoldingService()
        let late = try TestServer(handler: service)
        let first = try TestClient(prompt.address)
        let second = try TestClient(late.address)
        // Twice: the connection must be as good as before.
        for _ in 0..<2 {
            guard first.send(request) else { break }
            let expected = try first.response(to: String(request.prefix { $0 != " " }))
            second.send(request)
            guard expected != nil else { break }
            try #require(service.take()).respond(response)
            let found = try second.response(to: String(request.prefix { $0 != " " }))
            #expect(found == expected)
            #expect(fields(of: found) == fields(of: expected))
            if expected?["connection"] == "close" {
                #expect(second.readToEnd())
                break
            }
        }
    }

    private func fields(of response: TestClient.Response?) -> [String] {
        (response?.fields ?? []).filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }
    }

    /// The next request is often there before the loop has heard of the response.
    @Test func whoAsksAtOnceIsAnswered() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        let client = try TestClient(server.address)
        for number in 0..<500 {
            client.send("GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n")
            let exchange = try #require(service.take())
            #expect(exchange.head.path == "/\(number)")
            exchange.respond(Self.sized(number))
            #expect(try client.response()?.body.count == number)
        }
        #expect(server.log.wait(for: .finished(status: 200, isAbandoned: false), count: 500))
        #expect(waitUntil { server.server.exchangeCount == 0 })
    }

    /// The loop is not woken for a response that is out, but what the client has sent behind it counts.
    @Test(arguments: [false, true]) func whatWaitsBehindAResponseGoesOn(hasEnd: Bool) throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        for _ in 0..<20 {
            let client = try TestClient(server.address)
            client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
            if hasEnd { client.shutDownSending() }
            for path in ["/1", "/2"] {
                let exchange = try #require(service.take())
                #expect(exchange.head.path == path)
                exchange.respond(Self.sized(3))
                #expect(try client.response()?.body.count == 3)
            }
            if hasEnd { #expect(client.readToEnd()) }
        }
        #expect(waitUntil { server.server.exchangeCount == 0 })
    }

    /// Each response is reported, also when its client resets the connection as soon as it has it.
    @Test func aClientThatHasItsAnswerMayGo() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        for _ in 0..<50 {
            let client = try TestClient(server.address)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            try #require(service.take()).respond(Self.sized(10))
            #expect(try client.response()?.status == 200)
            client.reset()
        }
        #expect(waitUntil { server.server.connectionCount == 0 })
        #expect(server.server.exchangeCount == 0)
    }

    /// Nobody writes to a connection that has been given up, and its descriptor is not kept.
    @Test func whoIsGoneIsNotWrittenTo() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service)
        var client: TestClient? = try TestClient(server.address)
        client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let exchange = try #require(service.take())
        client?.reset()
        client = nil
        #expect(waitUntil { server.server.connectionCount == 0 })
        // Takes the descriptor's number, most likely.
        let other = try TestClient(server.address)
        other.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let second = try #require(service.take())
        exchange.respond(Self.sized(1))
        second.respond(Self.sized(2))
        #expect(try other.response()?.body.count == 2)
    }
}
