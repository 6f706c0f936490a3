import Batching
import Models

/// Computes batches of texts on one compute thread, in memory of its own.
final class EmbeddingWorker: BatchWorker {
    private let model: EmbeddingModel
    /// What one level of interruption computes in: a short batch may run between two layers of a
    /// longer one, whose memory must stay as it is.
    private var levels: [Level]

    private struct Level {
        let workspace: any BackboneWorkspace
        var batch = PackedBatch()
        var vectors: [Float] = []
    }

    /// A worker for batches of up to `tokensMaximum` tokens.
    init(model: EmbeddingModel, tokensMaximum: Int, interruptTokensMaximum: Int) {
        self.model = model
        levels = [tokensMaximum, interruptTokensMaximum].map {
            Level(workspace: model.makeWorkspace(tokensMaximum: $0))
        }
    }

    func run(_ items: [Engine.Work]) throws -> [[Float]] {
        try run(items, in: BatchContext())
    }

    func run(_ items: [Engine.Work], in context: BatchContext) throws -> [[Float]] {
        // The level is taken out for the time being: an interrupting call comes back into this one.
        var level = levels[context.level]
        level.batch.removeAll()
        for item in items {
            level.batch.append(item.tokenIDs, promptTokenCount: item.promptTokenCount)
        }
        level.workspace.team = context.team
        defer {
            level.workspace.team = nil
            levels[context.level] = level
        }
        guard items.allSatisfy({ $0.output == .vector }) else {
            return try model.outputs(
                items.map(\.output), of: level.batch, workspace: level.workspace,
                afterLayer: context.layerDone)
        }
        try model.embed(
            level.batch, workspace: level.workspace, into: &level.vectors,
            afterLayer: context.layerDone)
        let width = model.dimensions
        return items.indices.map { Array(level.vectors[$0 * width..<($0 + 1) * width]) }
    }
}
