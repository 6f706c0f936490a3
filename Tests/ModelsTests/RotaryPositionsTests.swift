import Models
import Testing

struct RotaryPositionsTests {
    /// The angles of pairs 0, 3 and 7 of 16 columns, theta 500, as the reference's functions give them.
    private static let scalings: [(RotaryScaling, [Float])] = [
        (.none, [1, 0.09724925, 0.0043491186]),
        (.linear(factor: 4), [0.25, 0.024312312, 0.0010872796]),
        (.ntk(factor: 8), [0.7711054, 0.034382801, 0.00054363981]),
        (.dynamic(factor: 4, positions: 40), [1, 0.032395296, 0.00033454757]),
        (
            .yarn(YarnScaling(factor: 4, originalPositions: 40)),
            [1, 0.024312312, 0.0010872796]
        ),
        (
            .llama3(
                Llama3Scaling(factor: 8, lowFactor: 1, highFactor: 4, originalPositions: 32)),
            [1, 0.012156156, 0.00054363982]
        ),
        (
            .longrope(
                LongRopeScaling(
                    short: Array(repeating: 1, count: 8), long: [1, 1, 1, 4, 1, 1, 1, 16],
                    originalPositions: 24, factor: 4)),
            [1, 0.024312312, 0.00027181991]
        ),
    ]

    @Test(arguments: scalings)
    func anglesAreTheReferences(scaling: RotaryScaling, angles: [Float]) {
        let rotary = RotaryPositions(width: 16, base: 500, scaling: scaling)
        let found = rotary.frequencies(length: 160)
        #expect(found.count == 8)
        for (pair, angle) in zip([0, 3, 7], angles) {
            #expect(abs(found[pair] - angle) <= 1e-5 * abs(angle) + 1e-9, "pair \(pair)")
        }
    }

    @Test func aTextKeepsItsAnglesBesideALongerOne() {
        let rotary = RotaryPositions(
            width: 8, base: 100, scaling: .dynamic(factor: 2, positions: 10))
        #expect(rotary.frequencies(length: 3) == rotary.frequencies(length: 10))
        #expect(rotary.frequencies(length: 11) != rotary.frequencies(length: 10))
    }

    /// The slopes of ALiBi's paper for 8 and 12 heads.
    @Test func slopesHalve() {
        #expect(LinearBias.slopes(8) == (1...8).map { Float(1) / Float(1 << $0) })
        let twelve = LinearBias.slopes(12)
        #expect(twelve.prefix(8) == LinearBias.slopes(8)[...])
        for (slope, known) in zip(twelve.suffix(4), [0.7071068, 0.3535534, 0.1767767, 0.0883883]) {
            #expect(abs(slope - Float(known)) < 1e-6)
        }
    }
}
