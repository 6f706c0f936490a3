import CPlatform
import Glibc
import Synchronization

/// Readiness of many descriptors, and a way to be woken: epoll and an eventfd.
///
/// Descriptors are watched for edges where that is asked for: then a report comes once for each time
/// something arrives, and who has not taken all of it says so by `modify`. A level-triggered one is
/// looked at a second time by the kernel after each report.
///
/// - Thread: all but `wakeUp` belongs to the one thread that calls `wait`.
package final class Poller: Sendable {
    /// What a descriptor is watched for; hang-up and error are always reported.
    package struct Interest: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let readable = Interest(rawValue: EPOLLIN.rawValue)
        package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
        /// Reports edges, not levels.
        package static let edges = Interest(rawValue: EPOLLET.rawValue)
        /// Reports that the other end has sent its last byte, as `isEnding`.
        package static let ending = Interest(rawValue: EPOLLRDHUP.rawValue)
    }

    /// One report: which registration, and what it is ready for.
    package struct Event: Hashable, Sendable {
        package let token: UInt64
        package let isReadable: Bool
        package let isWritable: Bool
        /// The other end has sent FIN; it can be read, after what came before it.
        package let isEnding: Bool
        /// Reset, or both directions shut: the connection is over.
        package let isBroken: Bool
    }

    /// The token of `wakeUp`, never reported; registrations must not use it.
    private static let wakeToken = UInt64.max
    private static let eventCountMaximum = 256

    private let epoll: FileDescriptor
    private let wake: FileDescriptor
    /// Whether the loop is, or is about to be, asleep and a wake-up must be written.
    private let isParked = Atomic(false)

    package init() throws(Socket.Failure) {
        let rawEpoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard rawEpoll >= 0 else { throw .system(call: "epoll_create1", errorNumber: errno) }
        epoll = FileDescriptor(owning: rawEpoll)
        let rawWake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard rawWake >= 0 else { throw .system(call: "eventfd", errorNumber: errno) }
        wake = FileDescriptor(owning: rawWake)
        // By edges each write is an event, and the counter never needs to be read.
        let status = cplatform_epoll_control(
            rawEpoll, 0, rawWake, EPOLLIN.rawValue | EPOLLET.rawValue, Self.wakeToken)
        guard status == 0 else { throw .system(call: "epoll_ctl", errorNumber: errno) }
    }

    /// Begins to watch a descriptor; false when the system has no memory for it.
    package func add(_ rawDescriptor: Int32, token: UInt64, interest: Interest) -> Bool {
        cplatform_epoll_control(epoll.rawValue, 0, rawDescriptor, interest.rawValue, token) == 0
    }

    /// Changes what a descriptor is watched for, and reports anew what it is ready for; false when the
    /// system cannot.
    package func modify(_ rawDescriptor: Int32, token: UInt64, interest: Interest) -> Bool {
        cplatform_epoll_control(epoll.rawValue, 1, rawDescriptor, interest.rawValue, token) == 0
    }

    package func remove(_ rawDescriptor: Int32) {
        _ = cplatform_epoll_control(epoll.rawValue, 2, rawDescriptor, 0, 0)
    }

    /// Announces sleep: after this `wakeUp` writes, so look for work once more before `wait`.
    package func prepareToPark() {
        isParked.store(true, ordering: .sequentiallyConsistent)
    }

    /// Waits up to `milliseconds` (-1: without end) and replaces `events` by the reports.
    package func wait(into events: inout [Event], milliseconds: Int32) {
        events.removeAll(keepingCapacity: true)
        // SAFETY: the C side writes `count` elements at most, and `found` are initialised.
        withUnsafeTemporaryAllocation(
            of: cplatform_event.self, capacity: Self.eventCountMaximum
        ) { buffer in
            let found = cplatform_epoll_wait(
                epoll.rawValue, buffer.baseAddress, Int32(Self.eventCountMaximum), milliseconds)
            isParked.store(false, ordering: .sequentiallyConsistent)
            for index in 0..<Int(max(found, 0)) {
                if buffer[index].token != Self.wakeToken {
                    events.append(Event(buffer[index]))
                }
            }
        }
    }

    /// Ends the present or next `wait`, from any thread; free when the loop is awake.
    package func wakeUp() {
        guard isParked.exchange(false, ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        _ = Glibc.write(wake.rawValue, &one, 8)
    }

}

extension Poller.Event {
    fileprivate init(_ event: cplatform_event) {
        self.init(
            token: event.token,
            isReadable: event.bits & EPOLLIN.rawValue != 0,
            isWritable: event.bits & EPOLLOUT.rawValue != 0,
            isEnding: event.bits & EPOLLRDHUP.rawValue != 0,
            isBroken: event.bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
    }
}
