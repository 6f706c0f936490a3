import FoundationEssentials
import Models
import TestSupport
import Testing

struct DenseActivationTests {
    private struct Golden: Decodable {
        let name: String
        let inputs: [Float]
        let outputs: [Float]
    }

    /// Every function that the kernels have not gives PyTorch's numbers, to a millionth.
    @Test func givesTheNumbersOfTheReference() throws {
        let golden = try Fixture.lines("models/dense_activations.jsonl").map {
            try JSONDecoder().decode(Golden.self, from: Data($0))
        }
        #expect(golden.map(\.name).sorted() == DenseActivation.allCases.map(\.rawValue).sorted())
        for row in golden {
            let activation = try #require(DenseActivation(rawValue: row.name))
            guard activation.kernel == nil else { continue }
            var values = row.inputs
            values.withUnsafeMutableBufferPointer { activation.apply(to: $0) }
            for (got, expected) in zip(values, row.outputs) {
                #expect(abs(got - expected) <= 1e-6 * max(1, abs(expected)), "\(row.name)")
            }
        }
    }
}
