import Glibc

/// A point on the system's monotonic clock, in nanoseconds.
///
/// State machines take it as a parameter and never read the clock themselves, so tests decide what
/// time it is.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// `CLOCK_MONOTONIC` now: unaffected by changes of the wall clock.
    package static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The time `interval` later.
    package func advanced(by interval: TimeSpan) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds + interval.nanoseconds)
    }

    /// How long after `earlier` this is; negative when it is before.
    package func interval(since earlier: MonotonicTime) -> TimeSpan {
        TimeSpan(nanoseconds: nanoseconds - earlier.nanoseconds)
    }
}

/// A length of time in whole nanoseconds: cheaper than `Duration`'s 128 bits, and range enough.
package struct TimeSpan: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static let zero = TimeSpan(nanoseconds: 0)

    package static func microseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: count * 1_000)
    }

    package static func milliseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: count * 1_000_000)
    }

    package static func seconds(_ count: Double) -> TimeSpan {
        TimeSpan(nanoseconds: Int64((count * 1e9).rounded()))
    }

    /// The length in seconds.
    package var seconds: Double { Double(nanoseconds) / 1e9 }

    package static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// Puts the calling thread to sleep.
package func pause(milliseconds: Int) {
    usleep(UInt32(clamping: milliseconds) &* 1000)
}
