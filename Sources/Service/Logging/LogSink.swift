import Dispatch
import Synchronization

/// Where log lines go: a descriptor, written to by one queue of its own.
///
/// A reader that does not read must not stop the service, so lines beyond a bound are dropped and
/// counted instead of waiting.
package final class LogSink: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "quiver.log")
    private let pendingBytes = Atomic<Int>(0)
    private let droppedLines = Atomic<Int>(0)

    /// Bytes that may wait for the reader.
    private static let pendingBytesMaximum = 4 << 20

    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Lines that were dropped because the reader did not keep up.
    package var dropped: Int { droppedLines.load(ordering: .relaxed) }

    /// Writes one line, soon, in order; `line` ends with a newline.
    package func write(_ line: [UInt8]) {
        let pending = pendingBytes.wrappingAdd(line.count, ordering: .relaxed).newValue
        guard pending <= Self.pendingBytesMaximum else {
            pendingBytes.wrappingSubtract(line.count, ordering: .relaxed)
            droppedLines.wrappingAdd(1, ordering: .relaxed)
            return
        }
        queue.async {
            _ = StandardStream.write(line, to: self.descriptor)
            self.pendingBytes.wrappingSubtract(line.count, ordering: .relaxed)
        }
    }

    /// Waits until what was written so far has left, for half a second at most.
    package func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + 0.5)
    }
}
