import CPlatform
import Glibc

/// A descriptor that is closed exactly once, when its owner goes.
package struct FileDescriptor: ~Copyable, Sendable {
    package let rawValue: Int32

    /// Takes ownership of `rawValue`.
    package init(owning rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        // Never retried: on Linux the descriptor is gone even when close says EINTR.
        _ = Glibc.close(rawValue)
    }

    /// A descriptor to give up when no other is left, so that a waiting client can be turned away.
    package static func openSpare() -> FileDescriptor? {
        let raw = open("/dev/null", O_RDONLY | O_CLOEXEC)
        return raw >= 0 ? FileDescriptor(owning: raw) : nil
    }

    /// How many descriptors the process may have open (the soft limit of RLIMIT_NOFILE).
    package static var openMaximum: Int {
        Int(exactly: cplatform_descriptor_limit()) ?? Int.max
    }
}

/// What a call on a non-blocking descriptor came to.
package enum IOResult: Hashable, Sendable {
    /// So many bytes; 0 from `receive` is the end of input.
    case bytes(Int)
    case wouldBlock
    /// The connection is broken, with the error number.
    case failed(Int32)

    init(_ count: Int) {
        if count >= 0 {
            self = .bytes(count)
        } else {
            let error = errno
            self = error == EAGAIN || error == EWOULDBLOCK ? .wouldBlock : .failed(error)
        }
    }
}

/// The text for an error number.
package func systemErrorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}
