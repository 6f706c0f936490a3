import FoundationEssentials
import Kernels
import Models
import TestSupport
import Testing

/// The tiny models layer by layer against the reference's token vectors.
struct LayerTests {
    /// What the reference computes for one text.
    private struct Golden {
        let ids: [Int32]
        /// The token vectors before the first layer and after each: `[layers + 1, tokens * width]`.
        let states: [[Float]]

        init(_ name: String) throws {
            let file = try SafetensorsFile(path: Fixture.path("models/layers/\(name).safetensors"))
            let stored = try file.tensor(named: "ids")
            ids = (0..<stored.count).map {
                stored.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)
            }
            let values = try file.tensor(named: "states")
            let all = values.floats()
            let size = values.count / values.shape[0]
            states = (0..<values.shape[0]).map { Array(all[$0 * size..<($0 + 1) * size]) }
        }
    }

    private static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Fixture.path("models/layers"))
            .map { String($0.prefix { $0 != "." }) }.sorted()
    }

    private func rows(_ workspace: any BackboneWorkspace, width: Int) -> [Float] {
        let states = workspace.states(of: 0)
        return (0..<states.count).flatMap { row in
            (0..<width).map { states.base[row * states.stride + $0] }
        }
    }

    /// Every kernel gives the reference's vectors after every layer, to 2e-5 of a vector's length.
    ///
    /// The text stands between two others, as in a batch.
    @Test(arguments: try names())
    func givesTheStatesOfTheReference(name: String) throws {
        let folder = try TinyModel.folder(name)
        let golden = try Golden(name)
        let batch = PackedBatch([golden.ids, Array(golden.ids.prefix(3))])
        for kernels in Kernels.choices {
            let model = try EmbeddingModel(
                folder: folder.path, dtype: .float32, kernels: Kernels(.named(kernels)))
            let backbone = model.backbone
            #expect(golden.states.count == backbone.layerCount + 1)
            let workspace = backbone.makeBackboneWorkspace(tokensMaximum: 64, team: nil)
            try workspace.begin(batch)
            for (layer, expected) in golden.states.enumerated() {
                if layer > 0 { workspace.layer(layer - 1) }
                let computed = rows(workspace, width: backbone.width)
                #expect(computed.count == expected.count)
                for start in stride(from: 0, to: expected.count, by: backbone.width) {
                    let row = start..<start + backbone.width
                    let length = expected[row].reduce(0) { $0 + $1 * $1 }.squareRoot()
                    let difference = zip(computed[row], expected[row]).reduce(Float(0)) {
                        max($0, abs($1.0 - $1.1))
                    }
                    #expect(
                        difference <= 2e-5 * max(1, length),
                        "\(kernels), layer \(layer), token \(start / backbone.width)")
                }
            }
        }
    }
}
