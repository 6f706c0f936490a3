import HTTPServer
import Platform
import TestSupport
import Testing

struct TimerWheelTests {
    /// Against a plain list: nothing comes up early, late by more than a grain, twice, or never.
    @Test(arguments: 0..<16 as Range<UInt64>) func bringsUpEveryDeadline(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var wheel = TimerWheel()
        var waiting: Set<TimerWheel.Entry> = []
        var now = MonotonicTime(nanoseconds: Int64.random(in: 0...(1 << 50), using: &random))
        let grain = TimeSpan.milliseconds(125)
        for step in 0..<3_000 {
            if Int.random(in: 0..<3, using: &random) == 0 {
                let delay = TimeSpan.milliseconds(Int64.random(in: -100...200_000, using: &random))
                let entry = TimerWheel.Entry(
                    token: UInt64(step), time: now.advanced(by: delay))
                wheel.insert(entry)
                waiting.insert(entry)
            }
            if let sleep = wheel.sleepMaximum(now: now), let first = waiting.map(\.time).min() {
                #expect(now.advanced(by: sleep) <= max(first, now).advanced(by: grain))
            }
            now = now.advanced(by: .milliseconds(Int64.random(in: 0...400, using: &random)))
            for entry in wheel.expire(now: now) {
                #expect(entry.time <= now)
                #expect(waiting.remove(entry) != nil)
            }
            let overdue = waiting.filter { $0.time.advanced(by: grain) < now }
            #expect(overdue.isEmpty)
        }
        #expect((wheel.sleepMaximum(now: now) == nil) == waiting.isEmpty)
    }
}
