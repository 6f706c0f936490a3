import HTTPServer
import HTTPWire
import Platform
import Testing

/// A TLS client on a socket, blocking.
private final class TLSSocketClient {
    let tls: TestTLSClient
    private let socket: Socket
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false
    private var chunk = [UInt8](repeating: 0, count: 16 << 10)

    /// Connects and completes the handshake, or fails to.
    init(_ address: SocketAddress, _ options: TestTLSClient.Options = .init()) throws {
        tls = try TestTLSClient(options)
        socket = try Socket.connect(to: address, timeoutMilliseconds: 20_000)
        received += tls.receive([])
        flush()
        while !tls.isEstablished && tls.failure == nil && receive() {}
    }

    func write(_ bytes: [UInt8]) {
        tls.write(bytes)
        flush()
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    func close() {
        tls.close()
        flush()
    }

    func shutDownSending() { socket.shutDownSending() }

    /// Reads until `count` bytes, the end, or silence.
    func read(_ count: Int) -> [UInt8] {
        while received.count < count && receive() {}
        let bytes = Array(received.prefix(count))
        received.removeFirst(bytes.count)
        return bytes
    }

    /// A response's status line and, by its Content-Length, its content.
    func response() -> (status: String, body: [UInt8])? {
        while true {
            let text = String(decoding: received, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].split(separator: "\r\n")
                let length = head.compactMap { line in
                    line.hasPrefix("content-length: ") ? Int(line.dropFirst(16)) : nil
                }
                _ = read(text[..<end.upperBound].utf8.count)
                return (String(head.first ?? ""), read(length.first ?? 0))
            }
            guard receive() else { return nil }
        }
    }

    /// Whether the server ended the connection with close_notify.
    func endsCleanly() -> Bool {
        while receive() {}
        return tls.isClosed
    }

    private func receive() -> Bool {
        guard !hasEnded, !tls.isClosed, tls.failure == nil,
            case .bytes(let count) = socket.receive(into: &chunk, count: chunk.count), count > 0
        else {
            hasEnded = true
            return false
        }
        received += tls.receive(Array(chunk[..<count]))
        flush()
        return true
    }

    private func flush() {
        let bytes = tls.takeOutput()
        var sent = 0
        while sent < bytes.count {
            guard case .bytes(let count) = socket.send(bytes, from: sent) else { return }
            sent += count
        }
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? {
        ranges(of: text).first
    }
}

/// Files of a server, and an authority for its clients.
private struct Files {
    let folder: TestFolder
    var configuration: TLSConfiguration

    init() throws {
        folder = try TestFolder()
        let leaf = try TestCertificate("first", .init(names: "DNS:localhost"))
        configuration = TLSConfiguration(identity: try leaf.identity("server", in: folder))
    }

    func server(_ configure: (inout ServerConfiguration) -> Void = { _ in }) throws -> TestServer {
        try TestServer { configuration in
            configuration.tls = self.configuration
            configure(&configuration)
        }
    }
}

private let get = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"

private func post(_ body: [UInt8]) -> [UInt8] {
    let head = "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n"
    return Array(head.utf8) + body
}

struct TLSServerTests {
    @Test func servesSeveralRequestsOnOneConnection() throws {
        let server = try Files().server()
        let client = try TLSSocketClient(server.address)
        for _ in 0..<3 {
            client.write(get)
            #expect(client.response()?.body == Array("ok\n".utf8))
        }
        client.write(get + get)
        #expect(client.response()?.status == "HTTP/1.1 200 OK")
        #expect(client.response()?.status == "HTTP/1.1 200 OK")
        client.close()
        #expect(client.endsCleanly())
        #expect(server.log.wait(for: .closed(.byClient)))
    }

    @Test func readsARequestByteByByte() throws {
        let server = try Files().server()
        let client = try TLSSocketClient(server.address)
        for byte in post(Array("{}".utf8)) { client.write([byte]) }
        #expect(client.response()?.body == Array("{}".utf8))
    }

    @Test func carriesLargeContentBothWays() throws {
        let server = try Files().server { $0.compressionBytesMinimum = nil }
        // Made before the connection, which waits only so long for its first request.
        let body = [0x7B] + (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 4) } + [0x7D]
        let request = post(body)
        let client = try TLSSocketClient(server.address)
        client.write(request)
        let isEchoed = client.response()?.body == body
        #expect(isEchoed)
        client.write(get)
        #expect(client.response()?.status == "HTTP/1.1 200 OK")
    }

    @Test func answersAfterTheClientHasHalfClosed() throws {
        for sendsNotify in [true, false] {
            let server = try Files().server()
            let client = try TLSSocketClient(server.address)
            client.write(get)
            if sendsNotify { client.close() }
            client.shutDownSending()
            #expect(client.response()?.status == "HTTP/1.1 200 OK")
            #expect(client.endsCleanly())
        }
    }

    @Test func closesCleanlyAfterTheLastResponse() throws {
        let server = try Files().server()
        let client = try TLSSocketClient(server.address)
        client.write("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.response()?.status == "HTTP/1.1 200 OK")
        #expect(client.endsCleanly())
    }

    @Test func closesAnIdleConnectionCleanly() throws {
        let server = try Files().server { $0.deadlines.idle = .milliseconds(50) }
        let client = try TLSSocketClient(server.address)
        client.write(get)
        #expect(client.response() != nil)
        #expect(client.endsCleanly())
        #expect(server.log.wait(for: .missed(.idle)))
    }

    @Test func endsASilentHandshake() throws {
        let server = try Files().server { $0.deadlines.handshake = .milliseconds(50) }
        let client = try TestClient(server.address)
        #expect(client.readToEnd())
        #expect(server.log.wait(for: .handshakeFailed(.timedOut)))
        #expect(server.log.wait(for: .closed(.handshake)))
        #expect(waitUntil { server.server.connectionCount == 0 })
    }

    @Test func turnsCleartextAway() throws {
        let server = try Files().server()
        let client = try TestClient(server.address)
        client.send(get)
        #expect(client.readToEnd())
        #expect(!String(decoding: client.buffer, as: UTF8.self).contains("HTTP/1.1"))
        #expect(server.log.wait(for: .handshakeFailed(.notTLS)))
    }

    @Test func countsAHandshakeThatIsLeft() throws {
        let server = try Files().server()
        for _ in 0..<3 {
            let client = try TestClient(server.address)
            client.send([0x16, 3, 1])
            client.shutDownSending()
            #expect(client.readToEnd())
        }
        #expect(server.log.wait(for: .handshakeFailed(.disconnected), count: 3))
    }

    @Test func boundsTheHandshakesAtOnce() throws {
        let server = try Files().server { $0.handshakeCountMaximum = 2 }
        var silent: [TestClient] = []
        for count in 1...2 {
            silent.append(try TestClient(server.address))
            #expect(server.log.wait(for: .opened, count: count))
        }
        let third = try TestClient(server.address)
        #expect(third.readToEnd())
        #expect(server.log.wait(for: .rejected(.handshakeLimit)))
        silent.removeAll()
        #expect(server.log.wait(for: .handshakeFailed(.disconnected), count: 2))
        let client = try TLSSocketClient(server.address)
        client.write(get)
        #expect(client.response()?.status == "HTTP/1.1 200 OK")
    }

    @Test func theHandlerLearnsTheClientsNames() throws {
        final class Witness: RequestHandler {
            let peers = Locked<[Peer]>([])

            func admit(_ head: RequestHead, from peer: Peer) -> Admission { .accept() }
            func handle(_ request: Request, _ exchange: Exchange) {
                peers.withLock { $0 += [request.peer, exchange.peer] }
                exchange.respond(Response(status: .noContent))
            }
            func response(to failure: ProtocolFailure) -> Response {
                Response(status: failure.status)
            }
        }
        var files = try Files()
        let authority = try TestCertificate("clients", .init(isAuthority: true))
        files.configuration.clientAuthorityFile = try files.folder.write(
            "clients.crt", authority.certificatePEM)
        let identity = try TestCertificate(
            "c", .init(names: "DNS:worker.test"), issuer: authority)
        let witness = Witness()
        let configuration = files.configuration
        let server = try TestServer(handler: witness) { $0.tls = configuration }
        let client = try TLSSocketClient(server.address, .init(identity: identity))
        client.write(get)
        #expect(client.response()?.status == "HTTP/1.1 204 No Content")
        let peers = witness.peers.withLock { $0 }
        #expect(peers.count == 2)
        #expect(peers.allSatisfy { $0.isSecure && $0.certificateNames == ["worker.test"] })

        _ = try TLSSocketClient(server.address)
        #expect(server.log.wait(for: .handshakeFailed(.certificate)))
    }

    @Test func loadsNewCertificatesWithoutLosingConnections() throws {
        var files = try Files()
        files.configuration.reloadInterval = .milliseconds(10)
        let server = try files.server()
        #expect(server.log.wait(for: .certificateLoaded))
        let old = try TLSSocketClient(server.address)
        #expect(old.tls.serverCommonName == "first")

        // The certificate alone does not match its key: the old pair stays.
        let renewed = try TestCertificate("second", .init(names: "DNS:localhost"))
        try files.folder.write("server.crt", renewed.certificatePEM)
        #expect(server.log.wait(for: .certificateFailed))
        #expect(try TLSSocketClient(server.address).tls.serverCommonName == "first")

        try files.folder.write("server.key", renewed.keyPEM)
        #expect(server.log.wait(for: .certificateLoaded, count: 2))
        #expect(try TLSSocketClient(server.address).tls.serverCommonName == "second")
        old.write(get)
        #expect(old.response()?.status == "HTTP/1.1 200 OK")
    }

    @Test func drainsWithCloseNotify() throws {
        let server = try Files().server()
        let client = try TLSSocketClient(server.address)
        client.write(get)
        #expect(client.response() != nil)
        server.server.stopListening()
        #expect(client.endsCleanly())
    }
}
