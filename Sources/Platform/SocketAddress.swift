/// An internet address and port in text and number.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The numeric address, IPv6 without brackets; an IPv4-mapped address is written as IPv4.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:8080` or `[::1]:8080`.
    package var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
