import Dispatch
import Platform
import Synchronization

/// Where log lines go: a descriptor, written to by one queue of its own.
///
/// A reader that does not read must not stop the service, so lines beyond a bound are dropped and
/// counted instead of waiting. Lines are gathered for a short time and leave together: a thread that
/// is woken for every request's line takes the processor from a compute thread each time.
package final class LogSink: Sendable {
    private struct Gathered: Sendable {
        var bytes: [UInt8] = []
        /// Those that are being written now.
        var leavingCount = 0
        /// Whether the queue will look at `bytes` in due time.
        var isExpected = false
    }

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "quiver.log")
    private let gathered = Locked(Gathered())
    private let droppedLines = Atomic<Int>(0)

    /// Bytes that may wait for the reader.
    private static let pendingBytesMaximum = 4 << 20
    /// How long a line waits for more.
    private static let gatheringTime = DispatchTimeInterval.milliseconds(50)
    /// More do not wait.
    private static let gatheredBytesMaximum = 64 << 10

    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Lines that were dropped because the reader did not keep up.
    package var dropped: Int { droppedLines.load(ordering: .relaxed) }

    /// What a line brings about.
    private enum Step {
        case none, drop, writeSoon, writeLater
    }

    /// Writes one line, in order and soon, or at once when it is urgent; `line` ends with a newline.
    package func write(_ line: [UInt8], isUrgent: Bool = false) {
        let step = gathered.withLock { gathered -> Step in
            let pending = gathered.bytes.count + gathered.leavingCount + line.count
            guard pending <= Self.pendingBytesMaximum else { return .drop }
            let wasFull = gathered.bytes.count >= Self.gatheredBytesMaximum
            gathered.bytes.append(contentsOf: line)
            if isUrgent { return .writeSoon }
            if !wasFull && gathered.bytes.count >= Self.gatheredBytesMaximum { return .writeSoon }
            guard !gathered.isExpected else { return .none }
            gathered.isExpected = true
            return .writeLater
        }
        switch step {
        case .none: break
        case .drop: droppedLines.wrappingAdd(1, ordering: .relaxed)
        case .writeSoon: queue.async { self.writeGathered() }
        case .writeLater:
            queue.asyncAfter(deadline: .now() + Self.gatheringTime) {
                self.gathered.withLock { $0.isExpected = false }
                self.writeGathered()
            }
        }
    }

    /// Waits until what was written so far has left, for half a second at most.
    package func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async {
            self.writeGathered()
            done.signal()
        }
        _ = done.wait(timeout: .now() + 0.5)
    }

    /// Runs on the queue.
    private func writeGathered() {
        let bytes = gathered.withLock { gathered -> [UInt8] in
            defer { gathered.bytes = [] }
            gathered.leavingCount = gathered.bytes.count
            return gathered.bytes
        }
        guard !bytes.isEmpty else { return }
        _ = StandardStream.write(bytes, to: descriptor)
        gathered.withLock { $0.leavingCount = 0 }
    }
}
