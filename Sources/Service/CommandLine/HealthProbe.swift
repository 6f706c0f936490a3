import Glibc
import HTTPServer
import Platform

/// One GET by a blocking socket, in cleartext or over TLS: what a health check needs and no more.
package struct HealthProbe {
    private let host: String
    private let port: String
    private let path: String
    private let timeoutSeconds: Double
    /// Nil for cleartext.
    private var tls: TLSProbe?

    /// What the service said.
    package struct Outcome: Equatable, Sendable {
        package var isHealthy: Bool
        package var message: String
    }

    /// Takes the URL apart.
    ///
    /// - Throws: ``StartError`` when it is not `http://host[:port][/path]`, or the same with `https`.
    package init(
        url: String, timeoutSeconds: Double, authorityFile: String? = nil, verifies: Bool = true
    ) throws(StartError) {
        let isSecure = url.hasPrefix("https://")
        guard isSecure || url.hasPrefix("http://") else {
            throw StartError("'\(url)' is not a URL such as http://127.0.0.1:8080/health")
        }
        let rest = url.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        let remainder = rest.dropFirst(authority.count)
        path = remainder.isEmpty ? "/health/ready" : String(remainder)
        let isBare = authority.hasSuffix("]") || !authority.contains(":")
        let colon = isBare ? nil : authority.lastIndex(of: ":")
        let name = colon.map { authority[..<$0] } ?? authority
        host = String(name.filter { $0 != "[" && $0 != "]" })
        port =
            colon.map { String(authority[authority.index(after: $0)...]) }
            ?? (isSecure ? "443" : "80")
        let isNumber = !port.isEmpty && port.utf8.allSatisfy { (48...57).contains($0) }
        // An IPv6 address without brackets would be cut at its last colon.
        let isClear = !name.contains(":") || name.hasPrefix("[") && name.hasSuffix("]")
        guard !host.isEmpty, isClear, isNumber, UInt16(port) != nil else {
            throw StartError("'\(url)' has no valid host and port (IPv6 addresses need brackets)")
        }
        guard timeoutSeconds > 0, timeoutSeconds <= 3600 else {
            throw StartError("--timeout must be more than 0 and at most 3600 seconds")
        }
        self.timeoutSeconds = timeoutSeconds
        if isSecure {
            var tls = TLSProbe(serverName: host)
            tls.authorityFile = authorityFile
            tls.verifies = verifies
            self.tls = tls
        }
    }

    /// Asks and waits for the status line.
    package func ask() -> Outcome {
        guard let socket = connected() else {
            return Outcome(isHealthy: false, message: "no answer from \(host):\(port)")
        }
        defer { close(socket) }
        let request = "GET \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nConnection: close\r\n\r\n"
        let answer: [UInt8]
        do throws(ServerError) {
            answer = try exchange(Array(request.utf8), over: socket)
        } catch {
            return Outcome(isHealthy: false, message: "\(host):\(port): \(error)")
        }
        let line = String(decoding: answer, as: UTF8.self).prefix { $0 != "\r\n" && $0 != "\r" }
        let isHealthy = line.hasPrefix("HTTP/1.1 200")
        return Outcome(
            isHealthy: isHealthy, message: line.isEmpty ? "no answer in time" : String(line))
    }

    /// Enough for the status line.
    private static let answerBytes = 64

    /// The beginning of the answer; shorter when the other side ends or is too slow.
    private func exchange(
        _ request: [UInt8], over socket: Int32
    ) throws(ServerError) -> [UInt8] {
        if let tls { return try tls.exchange(over: socket, request, count: Self.answerBytes) }
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) > 0 else {
            throw .system(call: "send", reason: "the connection was closed")
        }
        var answer = [UInt8](repeating: 0, count: Self.answerBytes)
        let count = recv(socket, &answer, answer.count, Int32(MSG_WAITALL))
        return Array(answer.prefix(max(0, count)))
    }

    private func connected() -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var next = list
        while let address = next?.pointee {
            next = address.ai_next
            let socket = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            guard socket >= 0 else { continue }
            let seconds = timeoutSeconds.rounded(.down)
            var limit = timeval(
                tv_sec: Int(seconds), tv_usec: Int((timeoutSeconds - seconds) * 1e6))
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
            if connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return socket }
            close(socket)
        }
        return nil
    }
}
