import Kernels

/// A model folder, loaded: batches of token ids to the vectors that sentence-transformers gives.
///
/// It is immutable and shared by all compute threads; each brings a `Workspace` of its own. A text's
/// vector is the same to the bit alone, in any batch, in any order, and on any number of threads.
package final class EmbeddingModel: Sendable {
    /// What the folder's configuration files say.
    package let description: ModelDescription
    /// The same for people, with what was found in the weights.
    package let summary: ModelSummary
    /// The encoder between the token ids and the pooling.
    package let encoder: Encoder
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
        encoder = try Encoder(
            configuration: description.encoderConfiguration,
            source: CanonicalTensors(weights, prefixes: description.family.prefixes),
            type: dtype, kernels: kernels,
            calibration: dtype == .int8
                ? PackedBatch(calibration(description.tokenizerFolder)) : nil)
        output = try OutputLayers(
            description.pipeline, folder: description.folder,
            inputWidth: description.pooledWidth, kernels: kernels)
        self.description = description
        try weights.checkUnchanged()
        try checkFinite(weights.origin)
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
    package var dtype: NumericType { encoder.type }
    /// The name of the kernels in use.
    package var kernelsName: String { encoder.kernels.name }
    /// The folder that holds the tokenizer's files.
    package var tokenizerFolder: String { description.tokenizerFolder }

    /// The bytes of the weights in memory: packed layers, and tables of vectors.
    package var weightBytes: Int { encoder.packedByteCount + encoder.embeddingByteCount }

    /// Checks that the ids of the folder's tokenizer all have a row in the table of token vectors.
    ///
    /// - Throws: `ModelError.inconsistent`.
    package func checkVocabulary(of tokenizerVocabulary: Int) throws(ModelError) {
        try description.configuration.check(
            tokenizerVocabulary: tokenizerVocabulary, file: tokenizerFolder + "/tokenizer.json")
    }

    /// Memory for one thread, enough for batches of up to `tokensMaximum` tokens.
    package func makeWorkspace(tokensMaximum: Int, team: Team? = nil) -> Workspace {
        encoder.makeWorkspace(tokensMaximum: tokensMaximum, team: team)
    }

    /// Computes one vector for each text of the batch, in order.
    ///
    /// - Parameter vectors: replaced by `[texts, dimensions]` numbers; its memory is reused.
    /// - Throws: ``EmbeddingError``; the workspace can be used again.
    package func embed(
        _ batch: PackedBatch, workspace: Workspace, into vectors: inout [Float]
    ) throws(EmbeddingError) {
        try begin(batch, workspace)
        encoder.layers(0..<encoder.configuration.layerCount, workspace: workspace)
        try finish(workspace, into: &vectors)
    }

    /// The same, with a call of `afterLayer` between two layers: the thread may then do other work,
    /// in another workspace, or throw to give the batch up.
    package func embed(
        _ batch: PackedBatch, workspace: Workspace, into vectors: inout [Float],
        afterLayer: () throws -> Void
    ) throws {
        try begin(batch, workspace)
        let layerCount = encoder.configuration.layerCount
        for layer in 0..<layerCount {
            encoder.layer(layer, workspace: workspace)
            if layer + 1 < layerCount { try afterLayer() }
        }
        try finish(workspace, into: &vectors)
    }

    private func begin(_ batch: PackedBatch, _ workspace: Workspace) throws(EmbeddingError) {
        do {
            try encoder.begin(batch, workspace: workspace)
        } catch {
            throw .batch(error)
        }
    }

    /// Pools the batch in the workspace and applies the folder's other modules.
    private func finish(
        _ workspace: Workspace, into vectors: inout [Float]
    ) throws(EmbeddingError) {
        let count = workspace.batch.count
        // Array offers no uninitialised growth in place; this is cheap beside the encoder.
        vectors.removeAll(keepingCapacity: true)
        vectors.append(contentsOf: repeatElement(0, count: count * output.inputWidth))
        let normalizes = output.onlyNormalizes
        vectors.withUnsafeMutableBufferPointer { vectors in
            encoder.finish(
                workspace: workspace, pooling: description.pipeline.pooling,
                normalize: normalizes, into: vectors)
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
    private func checkFinite(_ file: String) throws(ModelError) {
        let ids = (0..<min(8, maximumLength)).map { Int32($0 * (vocabularySize - 1) / 8) }
        var vectors: [Float] = []
        do {
            try embed(
                PackedBatch([ids]), workspace: makeWorkspace(tokensMaximum: ids.count),
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
