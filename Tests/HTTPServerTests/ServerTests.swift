import HTTPServer
import HTTPWire
import Platform
import Testing

struct ServerTests {
    @Test func answersOverARealSocket() throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        let server = try Server(configuration: configuration, handler: ProbeService())
        try server.start()
        defer { server.close(after: .zero) { _ in } }
        let client = try Socket.connect(to: server.address, timeoutMilliseconds: 5_000)
        _ = client.send(Array("GET /health HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        var buffer = [UInt8](repeating: 0, count: 4096)
        guard case .bytes(let count) = client.receive(into: &buffer, count: 4096) else {
            Issue.record("no response")
            return
        }
        #expect(String(decoding: buffer[..<count], as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func aPortInUseIsATypedError() throws {
        let taken = try Socket.listen(host: "127.0.0.1", port: 0)
        var configuration = ServerConfiguration()
        configuration.port = taken.localAddress().port
        let server = try Server(configuration: configuration, handler: ProbeService())
        let expected = ServerError.addressInUse(host: "127.0.0.1", port: configuration.port)
        #expect(throws: expected) { try server.start() }
    }
}
