import Service
import Testing

struct InstrumentsTests {
    @Test func boundsAreInclusive() {
        let histogram = Histogram(bounds: [1, 2.5, 10])
        for value in [0, 1, 1.0000001, 2.5, 2.6, 10, 10.5, 1e9] { histogram.observe(value) }
        #expect(histogram.snapshot.counts == [2, 2, 2, 2])
        #expect(histogram.snapshot.sum == 0 + 1 + 1.0000001 + 2.5 + 2.6 + 10 + 10.5 + 1e9)
    }

    @Test func withoutBoundsEverythingIsInTheLast() {
        let histogram = Histogram(bounds: [])
        histogram.observe(3)
        #expect(histogram.snapshot.counts == [1])
    }

    @Test(arguments: [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 8]), (8, [1, 2, 4, 8])])
    func powersOfTwoReachTheLast(last: Int, bounds: [Double]) {
        #expect(Histogram.powersOfTwo(through: last) == bounds)
    }

    @Test func countersAndGaugesAdd() {
        let counter = Counter()
        counter.add()
        counter.add(41)
        #expect(counter.value == 42)
        let gauge = Gauge()
        gauge.add(5)
        gauge.add(-7)
        #expect(gauge.value == -2)
        gauge.set(3)
        #expect(gauge.value == 3)
    }

    // MARK: Prometheus's text format

    private func text(_ write: (inout PrometheusText) -> Void) -> String {
        var text = PrometheusText()
        write(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test func countersHaveHelpTypeAndValue() {
        let written = text {
            $0.counter("a_total", "Things.", 7)
            $0.gauge("b", "Others.", -1)
        }
        #expect(
            written == """
                # HELP a_total Things.
                # TYPE a_total counter
                a_total 7
                # HELP b Others.
                # TYPE b gauge
                b -1

                """)
    }

    @Test func labelsAreEscaped() {
        let written = text {
            $0.sample("m", [("a", "x\\y\"z\n"), ("b", "é😀 {},=")], 1)
            $0.sample("m", [], 0.25)
        }
        #expect(written == #"m{a="x\\y\"z\n",b="é😀 {},="} 1"# + "\nm 0.25\n")
    }

    @Test func histogramsAreCumulativeAndEndInInfinity() {
        let histogram = Histogram(bounds: [0.005, 1, 20])
        for value in [0.00390625, 0.00390625, 0.5, 20, 21] { histogram.observe(value) }
        let written = text {
            $0.begin("d_seconds", .histogram, "Durations.")
            $0.histogram("d_seconds", [("route", "/a")], histogram)
        }
        #expect(
            written == """
                # HELP d_seconds Durations.
                # TYPE d_seconds histogram
                d_seconds_bucket{route="/a",le="0.005"} 2
                d_seconds_bucket{route="/a",le="1"} 3
                d_seconds_bucket{route="/a",le="20"} 4
                d_seconds_bucket{route="/a",le="+Inf"} 5
                d_seconds_sum{route="/a"} 41.5078125
                d_seconds_count{route="/a"} 5

                """)
    }
}
