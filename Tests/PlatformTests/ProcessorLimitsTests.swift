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

    /// As many as the processors, with nothing that keeps them from using all of each.
    @Test(
        arguments: [
            (2, 2, nil, true), (2, 2, 2, true), (2, 2, 3, true), (1, 2, nil, false),
            (3, 2, nil, false), (2, 64, 2, false), (2, 2, 1, false),
        ] as [(Int, Int, Int?, Bool)])
    func knowsWhetherEachThreadHasAProcessor(
        threads: Int, affinity: Int, quota: Int?, expected: Bool
    ) {
        let limits = ProcessorLimits(affinity: affinity, quota: quota)
        #expect(limits.hasOneProcessor(forEachOf: threads) == expected)
    }

    @Test func staysOnAProcessorThatIsThere() {
        let count = ProcessorLimits.current.affinity
        let results = Locked<[Bool]>([])
        let seen = Locked(0)
        // Threads of their own: the test's must not stay.
        for number in [count - 1, count, -1] {
            NamedThread(name: "stays") {
                results.withLock { $0.append(NamedThread.stay(onProcessor: number)) }
                if number == count - 1 {
                    seen.withLock { $0 = ProcessorLimits.current.affinity }
                }
            }.join()
        }
        #expect(results.withLock { $0 } == [true, false, false])
        #expect(seen.withLock { $0 } == 1)
        #expect(ProcessorLimits.current.affinity == count)
    }

    @Test func thisMachineHasAtLeastOneProcessor() {
        #expect(ProcessorLimits.current.threads >= 1)
    }
}
