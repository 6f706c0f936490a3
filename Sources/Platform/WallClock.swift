import Glibc

/// Whole seconds since 1970 by the wall clock, for dates that people read.
package func wallClockSeconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return max(0, time.tv_sec)
}
