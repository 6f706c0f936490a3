import Platform
import Service
import TestSupport
import Testing

struct TokenQuotaTests {
    private static let start = MonotonicTime(nanoseconds: 5_000_000_000)

    private static func after(_ seconds: Double) -> MonotonicTime {
        start.advanced(by: .seconds(seconds))
    }

    @Test func holdsAMinutesTokensAndFillsEvenly() {
        var quota = TokenQuota(tokensPerMinute: 600, at: Self.start)
        #expect(quota.take(500, at: Self.start).isGranted)
        let (isGranted, standing) = quota.take(101, at: Self.start)
        #expect(!isGranted)
        #expect(standing.limit == 600 && standing.remaining == 100)
        #expect(standing.secondsUntilFull == 50)
        #expect(standing.secondsUntilEnough == 0.1)
        #expect(quota.take(101, at: Self.after(0.1)).isGranted)
        #expect(!quota.take(1, at: Self.after(0.1)).isGranted)
        // An hour away earns one minute's worth, no more.
        #expect(!quota.take(601, at: Self.after(3600)).isGranted)
        #expect(quota.take(600, at: Self.after(3600)).isGranted)
    }

    @Test func saysWhatCanNeverBeGranted() {
        var quota = TokenQuota(tokensPerMinute: 10, at: Self.start)
        let (isGranted, standing) = quota.take(11, at: Self.start)
        #expect(!isGranted && standing.secondsUntilEnough == nil && standing.remaining == 10)
    }

    @Test func refusalsCostNothing() {
        var quota = TokenQuota(tokensPerMinute: 60, at: Self.start)
        for _ in 0..<100 { #expect(!quota.take(61, at: Self.start).isGranted) }
        #expect(quota.take(60, at: Self.start).isGranted)
    }

    @Test func takesBackWhatWasNotUsed() {
        var quota = TokenQuota(tokensPerMinute: 60, at: Self.start)
        #expect(quota.take(60, at: Self.start).isGranted)
        quota.giveBack(60)
        #expect(quota.take(60, at: Self.start).isGranted)
        quota.giveBack(1000)
        #expect(!quota.take(61, at: Self.start).isGranted)
    }

    @Test func neverGrantsMoreThanItsRate() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<20 {
            let rate = Int.random(in: 1...10_000, using: &generator)
            var quota = TokenQuota(tokensPerMinute: rate, at: Self.start)
            var now = 0.0
            var granted = 0
            for _ in 0..<500 {
                now += Double.random(in: 0...3, using: &generator)
                let wanted = Int.random(in: 1...max(1, rate / 3), using: &generator)
                if quota.take(wanted, at: Self.after(now)).isGranted { granted += wanted }
                #expect(Double(granted) <= Double(rate) * (1 + now / 60) + 1)
            }
            #expect(granted > 0)
        }
    }

    /// The clock that is given may be read on several threads, so a moment may be before the last.
    @Test func timeThatGoesBackEarnsNothing() {
        var quota = TokenQuota(tokensPerMinute: 60, at: Self.after(60))
        #expect(quota.take(60, at: Self.after(60)).isGranted)
        #expect(!quota.take(1, at: Self.start).isGranted)
        #expect(!quota.take(2, at: Self.after(61)).isGranted)
        #expect(quota.take(1, at: Self.after(61)).isGranted)
    }

    @Test func theLedgerKeepsOneQuotaForAllKeysOfAName() throws {
        let ledger = QuotaLedger()
        var first = APIKey(name: "alice", digest: try #require(KeyDigest(of: "a".utf8)))
        #expect(ledger.take(1, of: first, at: Self.start) == nil)
        first.tokensPerMinute = 60
        var second = first
        second.digest = try #require(KeyDigest(of: "b".utf8))
        #expect(ledger.take(60, of: first, at: Self.start)?.isGranted == true)
        #expect(ledger.take(1, of: second, at: Self.start)?.isGranted == false)
        ledger.giveBack(5, to: second)
        #expect(ledger.take(5, of: first, at: Self.start)?.isGranted == true)
        ledger.keep(["alice"])
        #expect(ledger.take(1, of: first, at: Self.start)?.isGranted == false)
        first.tokensPerMinute = 61
        #expect(ledger.take(61, of: first, at: Self.start)?.isGranted == true)
    }
}
