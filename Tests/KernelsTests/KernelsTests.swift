import CKernelsCheck
import Kernels
import Testing

@Suite("Kernels")
struct KernelsTests {
    @Test(arguments: Kernels.available)
    func tableIsAsThePlainOneAndTheOracle(name: String) {
        var message = [CChar](repeating: 0, count: 512)
        let failures = ck_check_table(name, &message, 512)
        let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        #expect(failures == 0, "\(text)")
    }

    @Test func aChoiceByNameIsKept() throws {
        #expect(KernelChoice("auto") == .automatic)
        #expect(KernelChoice("avx2") == .named("avx2"))
        #expect(try Kernels(.named("reference")).name == "reference")
        #expect(try Kernels(.automatic).name == Kernels.available[0])
        #expect(Kernels.available.last == "reference")
    }

    @Test func anUnknownNameIsAnErrorThatListsTheKnown() {
        #expect(throws: KernelError(requested: "mmx", available: Kernels.choices)) {
            try Kernels(.named("mmx"))
        }
        let text = KernelError(requested: "mmx", available: ["avx2", "reference"]).description
        #expect(text == "kernels mmx are not available here (available: auto, avx2, reference)")
    }

    @Test(arguments: NumericType.allCases)
    func peakIsMeasured(type: NumericType) throws {
        let kernels = try Kernels(.automatic)
        #expect(MachinePeak.operationsPerSecond(type, kernels, seconds: 0.001) > 1e6)
    }

    @Test func stackedWeightsAreOneLayer() throws {
        // Parts that end within a panel are joined; the sums are those of each part alone.
        let kernels = try Kernels(.automatic)
        let small: [Float] = (0..<15).map { Float($0) }
        let large: [Float] = (0..<210).map { Float($0 % 7) - 3 }
        let parts: [[Float]] = [small, large]
        var output = [Float](repeating: 0, count: 75)
        var input: [Float] = [1, -2, 0.5]
        small.withUnsafeBytes { small in
            large.withUnsafeBytes { large in
                let weights = PackedWeights(
                    [
                        StoredMatrix(type: .float32, rows: 5, columns: 3, bytes: small),
                        StoredMatrix(type: .float32, rows: 70, columns: 3, bytes: large),
                    ], biases: [[1, 2, 3, 4, 5], nil], as: .float32)
                #expect(weights.outputs == 75 && weights.panelCount == 2)
                output.withUnsafeMutableBufferPointer { output in
                    input.withUnsafeMutableBufferPointer { input in
                        kernels.linear(
                            .float32(Rows(input.baseAddress!, count: 1, stride: 3)), weights,
                            panels: 0..<2,
                            to: .float32(Rows(output.baseAddress!, count: 1, stride: 75)))
                    }
                }
            }
        }
        for column in 0..<75 {
            let (part, row) = column < 5 ? (parts[0], column) : (parts[1], column - 5)
            let bias: Float = column < 5 ? Float(column + 1) : 0
            let first: Float = part[3 * row] - 2 * part[3 * row + 1]
            let sum: Float = first + 0.5 * part[3 * row + 2]
            #expect(output[column] == sum + bias)
        }
    }
}
