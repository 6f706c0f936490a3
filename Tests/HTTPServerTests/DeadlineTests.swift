import HTTPServer
import HTTPWire
import Platform
import Testing

/// Each state of a connection has a deadline, and clients that miss one are told if they can be.
struct DeadlineTests {
    private static let post = "POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"

    private func server(_ set: (inout ServerDeadlines) -> Void) throws -> TestServer {
        try TestServer { set(&$0.deadlines) }
    }

    @Test func aSilentConnectionIsClosedSilently() throws {
        let server = try server { $0.head = .milliseconds(50) }
        let client = try TestClient(server.address)
        #expect(client.readToEnd())
        #expect(client.buffer.isEmpty)
        #expect(server.log.wait(for: .missed(.idle)))
    }

    @Test func anIdleConnectionIsClosedSilently() throws {
        let server = try server { $0.idle = .milliseconds(50) }
        let client = try TestClient(server.address)
        client.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response()?.status == 200)
        #expect(client.readToEnd())
        #expect(client.buffer.isEmpty)
        #expect(server.log.wait(for: .missed(.idle)))
    }

    /// Absolute: a byte now and then does not help.
    @Test func aSlowHeadIs408() throws {
        let server = try server { $0.head = .milliseconds(200) }
        let client = try TestClient(server.address)
        for byte in "GET /health HTTP/1.1\r\nX-A: ".utf8 {
            client.send([byte])
            pause(milliseconds: 2)
        }
        #expect(try client.response()?.status == 408)
        #expect(client.readToEnd())
        #expect(server.log.wait(for: .missed(.head)))
        #expect(server.log.count(.failed(.timedOut)) == 1)
    }

    @Test func contentThatStopsIs408() throws {
        let server = try server { $0.rateGrace = .milliseconds(50) }
        let client = try TestClient(server.address)
        client.send(Self.post + "{")
        #expect(try client.response()?.status == 408)
        #expect(server.log.wait(for: .missed(.bodyRate)))
    }

    @Test func contentThatTakesTooLongIs408() throws {
        let server = try server { $0.body = .milliseconds(50) }
        let client = try TestClient(server.address)
        client.send(Self.post + "{")
        #expect(try client.response()?.status == 408)
        #expect(server.log.wait(for: .missed(.body)))
    }

    /// A client that reads nothing is cut with RST, and its response's memory with it.
    @Test func aResponseThatIsNotReadIsCut() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service) {
            $0.deadlines.rateGrace = .milliseconds(100)
            $0.deadlines.bytesPerSecondMinimum = 1 << 40
        }
        let client = try TestClient(server.address)
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let body = [UInt8](repeating: 0x61, count: 32 << 20)
        try #require(service.take()).respond(
            Response(status: .ok, contentType: "text/plain", body: body))
        #expect(server.log.wait(for: .missed(.writeRate)))
        #expect(server.log.wait(for: .finished(status: 200, isAbandoned: true)))
        #expect(waitUntil { server.server.connectionCount == 0 })
    }

    @Test func aClientThatDoesNotCloseIsClosed() throws {
        let server = try server { $0.linger = .milliseconds(50) }
        let client = try TestClient(server.address)
        client.send("GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(try client.response()?.status == 200)
        #expect(client.readToEnd())
        #expect(server.log.wait(for: .missed(.linger)))
        #expect(waitUntil { server.server.connectionCount == 0 })
    }

    /// A handler may take its time: its deadlines are its own.
    @Test func aSlowHandlerIsWaitedFor() throws {
        let service = HoldingService()
        let server = try TestServer(handler: service) {
            $0.deadlines.head = .milliseconds(20)
            $0.deadlines.idle = .milliseconds(20)
            $0.deadlines.body = .milliseconds(20)
            $0.deadlines.rateGrace = .milliseconds(20)
        }
        let client = try TestClient(server.address)
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let exchange = try #require(service.take())
        pause(milliseconds: 400)
        exchange.respond(Response(status: .noContent))
        #expect(try client.response()?.status == 204)
    }
}
