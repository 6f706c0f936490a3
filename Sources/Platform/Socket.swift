import CPlatform
import Glibc

/// A TCP socket: every call retries EINTR, gives EAGAIN as a value, and never raises SIGPIPE.
package struct Socket: ~Copyable, Sendable {
    package let descriptor: FileDescriptor

    package init(owning rawValue: Int32) {
        descriptor = FileDescriptor(owning: rawValue)
    }

    /// Why a socket could not be opened.
    package enum Failure: Error, Hashable, Sendable {
        case unresolvable(reason: String)
        case system(call: String, errorNumber: Int32)
    }

    /// Resolves `host` once and listens there, non-blocking.
    package static func listen(
        host: String, port: UInt16, backlog: Int32 = 4096
    ) throws(Failure) -> Socket {
        var call: UnsafePointer<CChar>?
        var resolution: Int32 = 0
        let raw = cplatform_listen(host, port, backlog, &call, &resolution)
        let error = errno
        guard raw >= 0 else {
            guard resolution == 0 else {
                throw .unresolvable(reason: String(cString: gai_strerror(resolution)))
            }
            throw .system(call: call.map { String(cString: $0) } ?? "socket", errorNumber: error)
        }
        return Socket(owning: raw)
    }

    /// Connects, blocking, with `timeoutMilliseconds` for each later call.
    package static func connect(
        to address: SocketAddress, timeoutMilliseconds: Int32
    ) throws(Failure) -> Socket {
        let raw = cplatform_connect(address.host, address.port)
        guard raw >= 0 else { throw .system(call: "connect", errorNumber: errno) }
        cplatform_set_timeout(raw, timeoutMilliseconds)
        return Socket(owning: raw)
    }

    /// What came of `accept`.
    package enum Accepted: Sendable {
        case connection(rawDescriptor: Int32, peer: SocketAddress)
        case wouldBlock
        /// This connection is gone already; try the next (ECONNABORTED and its like).
        case aborted
        /// The process or system has no descriptor or memory left.
        case exhausted
    }

    /// Takes a waiting connection, non-blocking; its descriptor is the caller's to own.
    package borrowing func accept() -> Accepted {
        var address = cplatform_address()
        let raw = cplatform_accept(descriptor.rawValue, &address)
        guard raw < 0 else {
            return .connection(rawDescriptor: raw, peer: SocketAddress(address))
        }
        switch errno {
        case EAGAIN: return .wouldBlock
        case EMFILE, ENFILE, ENOMEM, ENOBUFS: return .exhausted
        default: return .aborted
        }
    }

    package borrowing func localAddress() -> SocketAddress {
        var address = cplatform_address()
        cplatform_local_address(descriptor.rawValue, &address)
        return SocketAddress(address)
    }

    /// Reads up to `count` bytes into `buffer` from `offset` on.
    package borrowing func receive(
        into buffer: inout [UInt8], at offset: Int = 0, count: Int
    ) -> IOResult {
        precondition(offset >= 0 && count >= 0 && offset + count <= buffer.count)
        let raw = descriptor.rawValue
        // SAFETY: the bounds were checked above, and the pointer does not leave the closure.
        return buffer.withUnsafeMutableBytes { bytes in
            IOResult(cplatform_receive(raw, bytes.baseAddress.map { $0 + offset }, count))
        }
    }

    /// Writes `first` from `firstOffset` on and then `second` from `secondOffset` on, in one call.
    package borrowing func send(
        _ first: [UInt8], from firstOffset: Int = 0, then second: [UInt8] = [],
        from secondOffset: Int = 0
    ) -> IOResult {
        precondition((0...first.count).contains(firstOffset))
        precondition((0...second.count).contains(secondOffset))
        let raw = descriptor.rawValue
        // SAFETY: the bounds were checked above, and the pointers do not leave the closures.
        return first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in
                IOResult(
                    cplatform_send(
                        raw, first.baseAddress.map { $0 + firstOffset }, first.count - firstOffset,
                        second.baseAddress.map { $0 + secondOffset }, second.count - secondOffset))
            }
        }
    }

    /// Sends FIN; input can still be read.
    package borrowing func shutDownSending() {
        _ = shutdown(descriptor.rawValue, Int32(SHUT_WR))
    }

    /// Refuses connections from now on, whoever else still holds the listening socket.
    package borrowing func stopListening() {
        _ = shutdown(descriptor.rawValue, Int32(SHUT_RD))
    }

    /// Makes the coming close send RST, and drops what is unsent.
    package borrowing func resetOnClose() {
        cplatform_reset_on_close(descriptor.rawValue)
    }
}

extension SocketAddress {
    init(_ address: cplatform_address) {
        // SAFETY: the C side always ends `host` with a zero byte.
        let host = withUnsafeBytes(of: address.host) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        self.init(host: host, port: address.port)
    }
}
