import Platform
import Testing

struct ProcessorLimitsTests {
    @Test(
        arguments: [
            ("max 100000\n", nil), ("150000 100000\n", 1.5), ("50000 100000", 0.5), ("", nil),
            ("0 100000", nil), ("100000", nil), ("-1 100000", nil), ("nonsense 1", nil),
        ] as [(String, Double?)])
    func readsTheQuotaOfVersion2(text: String, quota: Double?) {
        #expect(ProcessorLimits.quotaVersion2(text) == quota)
    }

    @Test func readsTheQuotaOfVersion1() {
        #expect(ProcessorLimits.quotaVersion1("200000\n", period: "100000\n") == 2)
        #expect(ProcessorLimits.quotaVersion1("-1\n", period: "100000\n") == nil)
        #expect(ProcessorLimits.quotaVersion1(nil, period: nil) == nil)
    }

    @Test(arguments: [(4, nil, 4), (4, 2, 2), (2, 8, 2), (1, 1, 1)] as [(Int, Int?, Int)])
    func takesTheSmallerLimit(affinity: Int, quota: Int?, threads: Int) {
        #expect(ProcessorLimits(affinity: affinity, quota: quota).threads == threads)
    }

    @Test func thisMachineHasAtLeastOneProcessor() {
        #expect(ProcessorLimits.current.threads >= 1)
    }
}
