import Batching
import Models

/// Computes batches of texts of any model on one compute thread.
final class EmbeddingWorker: BatchWorker {
    private let residents: ResidentEngines
    private var arenas: [ModelID: EmbeddingArena] = [:]

    init(_ residents: ResidentEngines) {
        self.residents = residents
    }

    func run(_ items: [Engine.Job]) throws -> [[Float]] {
        try run(items, in: BatchContext())
    }

    func run(_ items: [Engine.Job], in context: BatchContext) throws -> [[Float]] {
        // All items of a batch are of one model.
        guard let engine = items.first?.engine else { return [] }
        return try arena(for: engine).run(items.map(\.work), in: context)
    }

    /// Memory of its own for each model, kept as long as the model is loaded.
    private func arena(for engine: Engine) -> EmbeddingArena {
        if let arena = arenas[engine.id] { return arena }
        let arena = engine.makeArena()
        // A request that was taken before the model went may come after.
        if residents.contains(engine.id) { arenas[engine.id] = arena }
        return arena
    }

    func modelsChanged() {
        let engines = residents.all
        arenas = arenas.filter { engines[$0.key] != nil }
        // Here, so that this thread is the first to touch the memory.
        for (id, engine) in engines where arenas[id] == nil { arenas[id] = engine.makeArena() }
    }
}

/// Memory in which one thread computes batches of one model.
final class EmbeddingArena {
    private let model: EmbeddingModel
    /// What one level of interruption computes in: a shorter batch may run between two layers of
    /// another, whose memory must stay as it is.
    private var levels: [Level]

    private struct Level {
        let workspace: any BackboneWorkspace
        var batch = PackedBatch()
        var vectors: [Float] = []
    }

    /// An arena for batches of up to `tokensMaximum` tokens.
    init(model: EmbeddingModel, tokensMaximum: Int, interruptTokensMaxima: [Int]) {
        self.model = model
        levels = ([tokensMaximum] + interruptTokensMaxima).map {
            Level(workspace: model.makeWorkspace(tokensMaximum: $0))
        }
    }

    func run(_ items: [Engine.Work], in context: BatchContext = BatchContext()) throws -> [[Float]]
    {
        // The level is taken out for the time being: an interrupting call comes back into this one.
        var level = levels[context.level]
        level.batch.removeAll()
        for item in items {
            level.batch.append(
                item.tokenIDs, promptTokenCount: item.promptTokenCount, route: item.route)
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
