import HTTPWire
import TestSupport
import Testing

/// The meaning of a stream of bytes does not depend on how the network cuts it.
struct SplitTests {
    @Test func everyRowMeansTheSameAtEverySplit() throws {
        for row in try HTTPCase.all() where row.bytes.count <= 400 {
            let whole = MachineScript.run(row.bytes)
            for cut in 0...row.bytes.count {
                let split = MachineScript.run(row.bytes, cutAt: [cut])
                guard split == whole else {
                    Issue.record("\(row.name) cut at \(cut): \(split), whole: \(whole)")
                    break
                }
            }
        }
    }

    @Test func everyRowMeansTheSameByteByByte() throws {
        for row in try HTTPCase.all() where row.bytes.count <= 30_000 {
            let bytewise = MachineScript.run(row.bytes, cutAt: Array(0..<row.bytes.count))
            #expect(bytewise == MachineScript.run(row.bytes), "\(row.name)")
        }
    }

    /// Seeded random cuts of rows in a row, so that requests also meet in one piece.
    @Test(arguments: 0..<32 as Range<UInt64>)
    func neighboursMeanTheSameAtRandomCuts(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let rows = try HTTPCase.all().filter { $0.bytes.count <= 700 }
        let bytes = (0..<6).flatMap { _ in rows.randomElement(using: &random)?.bytes ?? [] }
        let cuts = (0..<20).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
        #expect(MachineScript.run(bytes, cutAt: cuts) == MachineScript.run(bytes))
    }
}
