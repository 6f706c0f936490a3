import Glibc

/// Time that a processor spent on something, waiting not counted.
package enum ProcessorTime {
    /// What the calling thread took so far (`CLOCK_THREAD_CPUTIME_ID`).
    package static var ofThread: TimeSpan {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return TimeSpan(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
