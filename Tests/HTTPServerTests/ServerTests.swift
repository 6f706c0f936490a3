import HTTPServer
import HTTPWire
import Platform
import Testing

struct ServerTests {
    @Test func aPortInUseIsATypedError() throws {
        let taken = try Socket.listen(host: "127.0.0.1", port: 0)
        var configuration = ServerConfiguration()
        configuration.port = taken.localAddress().port
        let server = try Server(configuration: configuration, handler: ProbeService())
        let expected = ServerError.addressInUse(host: "127.0.0.1", port: configuration.port)
        #expect(throws: expected) { try server.start() }
    }
}
