import FoundationEssentials
import Kernels
import Models
import TestSupport
import Testing

/// Token vectors and the means of stretches of them, against the reference's.
struct TextOutputTests {
    struct Golden: Decodable {
        var `case`: String
        var ids: [Int32]
        var tokens: [[Float]]
        var spans: [[Int]]
        var chunks: [[Float]]

        var output: TextOutput { .spans(spans.map { $0[0]..<$0[1] }) }
    }

    private func golden() throws -> [Golden] {
        try Fixture.lines("context/golden.jsonl").map {
            try JSONDecoder().decode(Golden.self, from: Data($0))
        }
    }

    @Test(arguments: ["bert", "dense-tanh", "mpnet"])
    func givesTheVectorsOfTheReference(name: String) throws {
        let folder = try TinyModel.folder(name)
        let rows = try golden().filter { $0.case == name }
        #expect(rows.count == 3)
        for kernels in Kernels.available {
            let model = try EmbeddingModel(
                folder: folder.path, dtype: .float32, kernels: Kernels(.named(kernels)))
            #expect(model.poolsSpans)
            let workspace = model.makeWorkspace(tokensMaximum: 64)
            // All three kinds of output side by side, as requests share batches.
            let batch = PackedBatch(rows.flatMap { [$0.ids, $0.ids, $0.ids] })
            let outputs = rows.flatMap { [TextOutput.tokens, $0.output, .vector] }
            let results = try model.outputs(outputs, of: batch, workspace: workspace)
            for (index, row) in rows.enumerated() {
                expectClose(results[3 * index], row.tokens, "\(kernels): tokens")
                expectClose(results[3 * index + 1], row.chunks, "\(kernels): spans")
                var vector: [Float] = []
                try model.embed(PackedBatch([row.ids]), workspace: workspace, into: &vector)
                #expect(results[3 * index + 2] == vector)
                let alone = try model.outputs(
                    [row.output], of: PackedBatch([row.ids]), workspace: workspace)
                #expect(alone[0] == results[3 * index + 1])
            }
        }
    }

    @Test(arguments: ["pooling-cls", "pooling-lasttoken", "pooling-old-concatenation"])
    func knowsModelsWhoseVectorIsNoMean(name: String) throws {
        let folder = try TinyModel.folder(name)
        let model = try EmbeddingModel(
            folder: folder.path, dtype: .float32, kernels: Kernels(.automatic))
        #expect(!model.poolsSpans)
    }

    private func expectClose(_ numbers: [Float], _ expected: [[Float]], _ comment: Comment) {
        let expected = expected.flatMap { $0 }
        #expect(numbers.count == expected.count, comment)
        let difference = zip(numbers, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        // Token vectors have components of about 1.
        #expect(difference <= 2e-5, comment)
    }
}
