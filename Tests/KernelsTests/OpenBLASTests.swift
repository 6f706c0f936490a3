import Kernels
import TestSupport
import Testing

/// The library's product against the plain one; only where it is installed.
@Suite(.enabled(if: Kernels.choices.contains("openblas")))
struct OpenBLASTests {
    struct Shape: CustomTestStringConvertible {
        let rows: Int
        let inputs: Int
        let outputs: Int

        var testDescription: String { "\(rows) x \(inputs) x \(outputs)" }
    }

    @Test(arguments: [
        Shape(rows: 1, inputs: 1, outputs: 1), Shape(rows: 5, inputs: 33, outputs: 65),
        Shape(rows: 67, inputs: 31, outputs: 130), Shape(rows: 96, inputs: 384, outputs: 128),
    ])
    func isAsThePlainOne(shape: Shape) throws {
        var random = SplitMix64(seed: 7)
        func numbers(_ count: Int) -> [Float] {
            (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
        }
        let stored = numbers(shape.outputs * shape.inputs)
        let weights = stored.withUnsafeBytes {
            PackedWeights(
                [
                    StoredMatrix(
                        type: .float32, rows: shape.outputs, columns: shape.inputs, bytes: $0)
                ], biases: [numbers(shape.outputs)], as: .float32)
        }
        var input = numbers(shape.rows * shape.inputs)
        let residual = numbers(shape.rows * shape.outputs)
        for activation in [Activation.identity, .gelu, .silu] {
            var results: [[Float]] = []
            for name in ["reference", "openblas"] {
                // In place: the residual is where the output goes.
                var output = residual
                let kernels = try Kernels(.named(name))
                input.withUnsafeMutableBufferPointer { input in
                    output.withUnsafeMutableBufferPointer { output in
                        let rows = Rows(
                            output.baseAddress!, count: shape.rows, stride: shape.outputs)
                        kernels.linear(
                            .float32(
                                Rows(input.baseAddress!, count: shape.rows, stride: shape.inputs)),
                            weights, panels: 0..<weights.panelCount, activation: activation,
                            residual: rows, to: .float32(rows))
                    }
                }
                results.append(output)
            }
            let worst = zip(results[0], results[1]).map { abs($0 - $1) }.max() ?? .nan
            #expect(worst <= 2e-5, "\(activation)")
        }
    }
}
