/// Which of several certificates answers to a host name (RFC 6066 §3, RFC 9525 §6.3).
struct ServerNames: Hashable, Sendable {
    private var exact: [String: Int] = [:]
    /// By what follows the "*.".
    private var wildcards: [String: Int] = [:]

    /// Registers the DNS names of the certificate at `index`; the first to claim a name keeps it.
    mutating func add(_ names: [String], index: Int) {
        for name in names.map(Self.normalized) {
            if name.hasPrefix("*.") {
                let parent = String(name.dropFirst(2))
                wildcards[parent] = wildcards[parent] ?? index
            } else {
                exact[name] = exact[name] ?? index
            }
        }
    }

    /// The certificate for `host`: by its whole name, else by a wildcard in place of its first label.
    func index(for host: String) -> Int? {
        let host = Self.normalized(host)
        if let index = exact[host] { return index }
        guard let dot = host.utf8.firstIndex(of: UInt8(ascii: ".")), dot != host.startIndex else {
            return nil
        }
        return wildcards[String(host[host.utf8.index(after: dot)...])]
    }

    /// Letters in lower case and no final dot; names are ASCII (RFC 6066 §3).
    private static func normalized(_ name: String) -> String {
        let bytes = name.utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return String(
            decoding: bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...],
            as: UTF8.self)
    }
}
