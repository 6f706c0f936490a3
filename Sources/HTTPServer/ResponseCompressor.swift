import Dispatch
import Platform

/// Compresses responses off the loops: a large one takes milliseconds.
final class ResponseCompressor: Sendable {
    /// Runs `compress`, one response at a time.
    let queue: DispatchQueue
    /// Made at first use: most servers' clients never ask for it.
    private let deflater = Locked<ContentDeflater?>(nil)

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// The gzip member that holds `content`; nil when it would not be shorter, unless it `mayGrow`.
    func compress(_ content: [UInt8], mayGrow: Bool) -> [UInt8]? {
        deflater.withLock { deflater in
            let ready = deflater ?? ContentDeflater()
            deflater = ready
            return ready.compress(content.span, mayGrow: mayGrow)
        }
    }
}
