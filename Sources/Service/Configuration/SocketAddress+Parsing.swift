import Platform

extension SocketAddress {
    /// Reads `127.0.0.1:9090`, `[::1]:9090` or `localhost:9090`; nil for anything else.
    init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let port = UInt16(digits)
        else { return nil }
        self.init(host: String(host), port: port)
    }
}
