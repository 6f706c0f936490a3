import Glibc
import Platform

/// Why a server could not be made or started; `description` is one line for the operator.
package enum ServerError: Error, Hashable, Sendable, CustomStringConvertible {
    case addressInUse(host: String, port: UInt16)
    case addressUnavailable(host: String, port: UInt16, reason: String)
    case unresolvableHost(String, reason: String)
    case tls(file: String, reason: String)
    case system(call: String, reason: String)

    package var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "cannot listen on \(SocketAddress(host: host, port: port)): the port is in use"
        case .addressUnavailable(let host, let port, let reason):
            "cannot listen on \(SocketAddress(host: host, port: port)): \(reason)"
        case .unresolvableHost(let host, let reason): "cannot resolve \(host): \(reason)"
        case .tls(let file, let reason): "TLS: \(file): \(reason)"
        case .system(let call, let reason): "\(call): \(reason)"
        }
    }
}

extension ServerError {
    init(_ failure: Socket.Failure, host: String, port: UInt16) {
        switch failure {
        case .unresolvable(let reason): self = .unresolvableHost(host, reason: reason)
        case .system(_, EADDRINUSE): self = .addressInUse(host: host, port: port)
        case .system("bind", let number):
            self = .addressUnavailable(host: host, port: port, reason: systemErrorText(number))
        case .system(let call, let number):
            self = .system(call: call, reason: systemErrorText(number))
        }
    }
}
