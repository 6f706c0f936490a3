import Kernels

/// A model folder, loaded: batches of token ids to the vectors that sentence-transformers gives.
///
/// It is immutable and shared by all compute threads; each brings a workspace of its own. A text's
/// vector is the same to the bit alone, in any batch, in any order, and on any number of threads.
package final class EmbeddingModel: Sendable {
    /// What the folder's configuration files say.
    package let description: ModelDescription
    /// The same for people, with what was found in the weights.
    package let summary: ModelSummary
    /// What is between the token ids and the pooling.
    package let backbone: any Backbone
    /// The ways of texts through the model: one, unless the folder has a Router.
    package let routes: [ModelRoute]
    private let output: OutputLayers

    /// Loads the folder at `path` and runs a first text through it.
    ///
    /// - Parameters:
    ///   - dtype: the numbers of the encoder's matrix products.
    ///   - kernels: what computes them.
    ///   - calibration: for int8, called with `tokenizerFolder` for the ids of `CalibrationTexts.all`,
    ///     which smooth the activations; empty for no smoothing.
    /// - Throws: ``ModelError``, also for weights that give infinite or undefined numbers.
    package init(
        folder path: String, dtype: NumericType, kernels: Kernels,
        calibration: (_ tokenizerFolder: String) -> [[Int32]] = { _ in [] }
    ) throws(ModelError) {
        let description = try ModelDescription(folder: path)
        let weights = try description.weights()
        summary = try ModelSummary(description, weights: weights)
        backbone = try description.backbone(
            weights, dtype: dtype, kernels: kernels, calibration: calibration)
        output = try OutputLayers(
            description.pipeline, folder: description.folder,
            inputWidth: description.pooledWidth, kernels: kernels)
        self.description = description
        routes = description.routes
        try weights.checkUnchanged()
        for route in routes { try checkFinite(weights.origin, route) }
    }

    /// The name of the folder.
    package var name: String { description.folder.name }
    /// The width of a vector.
    package var dimensions: Int { description.dimension }
    /// The tokens that a text is cut to, special ones included.
    package var maximumLength: Int { description.sequenceLimit.tokens }
    /// The rows of the table of token vectors; ids are below it.
    package var vocabularySize: Int { description.configuration.vocabularySize }
    /// The numbers of the encoder's matrix products.
    package var dtype: NumericType { backbone.type }
    /// The name of the kernels in use.
    package var kernelsName: String { backbone.kernels.name }
    /// The folder that holds the tokenizer's files.
    package var tokenizerFolder: String { description.tokenizerFolder }
    /// Whether texts are lowercased before they are tokenized, as `do_lower_case` asks.
    package var lowercasesTexts: Bool { description.sequenceLimit.lowercases }

    /// The layers that int8 would cost too much, and that are in bfloat16.
    package var bfloat16Layers: [String] { backbone.bfloat16Layers }

    /// The bytes of the weights in memory: packed layers, and tables of vectors.
    package var weightBytes: Int { backbone.weightBytes }

    /// Checks that the ids of the folder's tokenizer all have a row in the table of token vectors.
    ///
    /// - Throws: `ModelError.inconsistent`.
    package func checkVocabulary(
        of tokenizerVocabulary: Int, route: Int = 0
    ) throws(ModelError) {
        try description.checkVocabulary(of: tokenizerVocabulary, route: route)
    }

    /// The number of the route of texts whose use is not named.
    package var mainRoute: Int { description.routeIndex(for: nil) ?? 0 }

    /// The way of texts for `task`, such as `query`; nil where the folder's Router has none for it.
    package func route(for task: String?) -> ModelRoute? {
        description.routeIndex(for: task).map { routes[$0] }
    }

    /// Memory for one thread, enough for batches of up to `tokensMaximum` tokens.
    package func makeWorkspace(tokensMaximum: Int, team: Team? = nil) -> any BackboneWorkspace {
        backbone.makeBackboneWorkspace(tokensMaximum: tokensMaximum, team: team)
    }

    /// Computes one vector for each text of the batch, in order.
    ///
    /// - Parameter vectors: replaced by `[texts, dimensions]` numbers; its memory is reused.
    /// - Throws: ``EmbeddingError``; the workspace can be used again.
    package func embed(
        _ batch: PackedBatch, workspace: any BackboneWorkspace, into vectors: inout [Float]
    ) throws(EmbeddingError) {
        try begin(batch, workspace, pooling: description.pipeline.pooling)
        for layer in 0..<backbone.layerCount { workspace.layer(layer) }
        try finish(workspace, into: &vectors)
    }

    /// The same, with a call of `afterLayer` between two layers: the thread may then do other work,
    /// in another workspace, or throw to give the batch up.
    package func embed(
        _ batch: PackedBatch, workspace: any BackboneWorkspace, into vectors: inout [Float],
        afterLayer: () throws -> Void
    ) throws {
        try run(
            batch, workspace, pooling: description.pipeline.pooling, afterLayer: afterLayer)
        try finish(workspace, into: &vectors)
    }

    /// Computes the token vectors of a batch, or those that `pooling` reads.
    func run(
        _ batch: PackedBatch, _ workspace: any BackboneWorkspace, pooling: PoolingConfiguration?,
        afterLayer: () throws -> Void
    ) throws {
        try begin(batch, workspace, pooling: pooling)
        let layerCount = backbone.layerCount
        for layer in 0..<layerCount {
            workspace.layer(layer)
            if layer + 1 < layerCount { try afterLayer() }
        }
    }

    /// The width of a pooled vector, before the other modules.
    var pooledWidth: Int { output.inputWidth }

    /// Takes pooled vectors, one after the other, through the folder's other modules.
    func finish(_ rows: inout [Float]) {
        let count = rows.count / max(1, output.inputWidth)
        output.apply(to: &rows, count: count)
        cut(&rows, count: count)
    }

    private func begin(
        _ batch: PackedBatch, _ workspace: any BackboneWorkspace, pooling: PoolingConfiguration?
    ) throws(EmbeddingError) {
        workspace.expect(pooling)
        do {
            try workspace.begin(batch)
        } catch {
            throw .batch(error)
        }
    }

    /// Pools the batch in the workspace and applies the folder's other modules.
    private func finish(
        _ workspace: any BackboneWorkspace, into vectors: inout [Float]
    ) throws(EmbeddingError) {
        let count = workspace.batch.count
        // Array offers no uninitialised growth in place; this is cheap beside the encoder.
        vectors.removeAll(keepingCapacity: true)
        vectors.append(contentsOf: repeatElement(0, count: count * output.inputWidth))
        let normalizes = output.onlyNormalizes
        vectors.withUnsafeMutableBufferPointer { vectors in
            StageTimes.timed(workspace.times, .pooling) {
                for text in 0..<count {
                    let vector = UnsafeMutableBufferPointer(
                        rebasing: vectors[text * output.inputWidth..<(text + 1) * output.inputWidth]
                    )
                    guard let target = vector.baseAddress else { continue }
                    workspace.pool(text, by: description.pipeline.pooling, into: target)
                    if normalizes { PoolingConfiguration.normalize(vector) }
                }
            }
        }
        if !normalizes { output.apply(to: &vectors, count: count) }
        cut(&vectors, count: count)
        try checkFinite(vectors)
    }

    /// Keeps the first `dimensions` components of each vector.
    private func cut(_ vectors: inout [Float], count: Int) {
        guard dimensions < output.outputWidth else { return }
        for text in 0..<count {
            for column in 0..<dimensions {
                vectors[text * dimensions + column] = vectors[text * output.outputWidth + column]
            }
        }
        vectors.removeLast(vectors.count - count * dimensions)
    }

    private func checkFinite(_ vectors: [Float]) throws(EmbeddingError) {
        // Infinity minus itself, and anything with NaN, is NaN: one test for the whole batch.
        var sum: Float = 0
        vectors.withUnsafeBufferPointer { vectors in
            for value in vectors { sum += value * 0 }
        }
        guard sum != 0 else { return }
        let first = vectors.firstIndex { !$0.isFinite } ?? 0
        throw .notFinite(index: first / max(1, dimensions))
    }

    /// Refuses weights that make nonsense of any text, before a client sees it.
    private func checkFinite(_ file: String, _ route: ModelRoute) throws(ModelError) {
        let ids = (0..<min(8, route.maximumLength)).map {
            Int32($0 * (route.vocabularySize - 1) / 8)
        }
        var batch = PackedBatch()
        batch.append(ids, route: route.index)
        var vectors: [Float] = []
        do {
            try embed(
                batch, workspace: makeWorkspace(tokensMaximum: ids.count),
                into: &vectors)
        } catch {
            throw .malformed(file: file, field: nil, reason: "the weights are unusable: \(error)")
        }
    }
}

/// Why a batch has no vectors.
package enum EmbeddingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The batch is not one that the model can take.
    case batch(EncoderError)
    /// The vector of a text has a component that is infinite or undefined.
    case notFinite(index: Int)

    package var description: String {
        switch self {
        case .batch(let error): "\(error)"
        case .notFinite(let index): "the vector of text \(index) is not finite"
        }
    }
}
