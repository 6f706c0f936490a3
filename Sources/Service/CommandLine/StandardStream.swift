import Glibc

/// Writes to the process's own descriptors without the C library's shared buffers.
package enum StandardStream {
    /// Writes a message to standard error.
    package static func error(_ message: String) {
        _ = write(Array(message.utf8), to: STDERR_FILENO)
    }

    /// Writes all bytes; false when the descriptor does not take them (`errno` says why).
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN else { return false }
                if errno == EAGAIN { usleep(1000) }
                continue
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
