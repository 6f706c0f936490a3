import Batching
import Models

/// Computes batches of texts on one compute thread, in memory of its own.
final class EmbeddingWorker: BatchWorker {
    private let model: EmbeddingModel
    private let workspace: Workspace
    private var vectors: [Float] = []

    /// A worker for batches of up to `tokensMaximum` tokens.
    init(model: EmbeddingModel, tokensMaximum: Int) {
        self.model = model
        workspace = model.makeWorkspace(tokensMaximum: tokensMaximum)
    }

    func run(_ items: [Engine.Work]) throws -> [[Float]] {
        let batch = PackedBatch(items.map(\.tokenIDs))
        let width = model.dimensions
        vectors.removeAll(keepingCapacity: true)
        try model.embed(batch, workspace: workspace, into: &vectors)
        return items.indices.map { Array(vectors[$0 * width..<($0 + 1) * width]) }
    }
}
