import Kernels

/// A transformer encoder with packed weights: batches of token ids to vectors.
///
/// It is immutable and shared by all compute threads; each brings a `Workspace` of its own. The vector
/// of a text is the same to the bit alone, in any batch, in any order, and on any number of threads.
package final class Encoder: Sendable {
    package let configuration: EncoderConfiguration
    /// The numbers of the matrix products.
    package let type: NumericType
    /// What computes them.
    package let kernels: Kernels
    /// int8 only: the linear layers that eight bits would cost too much, and that are in bfloat16.
    package let bfloat16Layers: [String]
    let weights: EncoderWeights

    /// Reads and packs the weights.
    ///
    /// - Parameter calibration: for int8, texts whose activations set the smoothing of every layer's
    ///   inputs; without them there is no smoothing. Other types ignore it.
    /// - Throws: `ModelError` for a tensor that is missing or contradicts `configuration`.
    package init(
        configuration: EncoderConfiguration, source: some TensorSource, type: NumericType,
        kernels: Kernels, calibration: PackedBatch? = nil
    ) throws(ModelError) {
        if let fault = configuration.fault {
            throw .malformed(file: source.origin, field: nil, reason: fault)
        }
        let configuration = configuration.spelled(in: source)
        self.configuration = configuration
        self.type = type
        self.kernels = kernels
        let loading = LoadingTeam()
        defer { loading.end() }
        var reader = WeightReader(source: source, kernels: kernels, crew: loading.crew)
        var weights = try EncoderWeights(configuration, reader: reader)
        reader.disentangled = weights.disentangled
        if type == .int8, let calibration, calibration.tokenCount > 0 {
            let tables = Encoder(configuration, .bfloat16, kernels, weights)
            let workspace = tables.makeWorkspace(
                tokensMaximum: calibration.tokenCount, team: loading.team)
            // Texts that are not for this vocabulary: better no ranges than wrong ones.
            if (try? tables.begin(calibration, workspace: workspace)) != nil {
                let ranges = InputRanges(kernels: kernels, crew: loading.crew)
                reader.ranges = ranges
                weights.layers = try LayerQuantizer(
                    reader: reader, encoder: tables, workspace: workspace
                ).layers()
                bfloat16Layers = ranges.kept
                self.weights = weights
                return
            }
        }
        for index in 0..<configuration.storedLayerCount {
            weights.layers.append(try reader.layer(index, configuration, type))
        }
        bfloat16Layers = []
        self.weights = weights
    }

    /// An encoder of weights that are there already.
    private init(
        _ configuration: EncoderConfiguration, _ type: NumericType, _ kernels: Kernels,
        _ weights: EncoderWeights
    ) {
        self.configuration = configuration
        self.type = type
        self.kernels = kernels
        self.weights = weights
        bfloat16Layers = []
    }

    /// The bytes of the packed weights, without the embedding tables.
    package var packedByteCount: Int { weights.packedByteCount }

    /// The bytes of the embedding tables.
    package var embeddingByteCount: Int { weights.embeddingByteCount }

    /// Memory for batches of up to `tokensMaximum` tokens; a larger batch makes it grow.
    package func makeWorkspace(tokensMaximum: Int, team: Team? = nil) -> Workspace {
        Workspace(configuration, type: type, tokensMaximum: tokensMaximum, team: team)
    }

    /// Computes one pooled vector for each text, one after the other, into `vectors`.
    ///
    /// - Precondition: `vectors` holds `batch.count * pooling.dimensions(hiddenSize:)` numbers.
    /// - Throws: `EncoderError` when the batch is not one that the model can take.
    package func embed(
        _ batch: PackedBatch, workspace: Workspace, pooling: PoolingConfiguration, normalize: Bool,
        into vectors: UnsafeMutableBufferPointer<Float>
    ) throws(EncoderError) {
        try begin(batch, workspace: workspace)
        layers(0..<configuration.layerCount, workspace: workspace)
        finish(workspace: workspace, pooling: pooling, normalize: normalize, into: vectors)
    }

    /// Computes the last hidden state of every token: `[tokens, hiddenSize]`.
    ///
    /// - Precondition: `states` holds `batch.tokenCount * hiddenSize` numbers.
    /// - Throws: `EncoderError`.
    package func encode(
        _ batch: PackedBatch, workspace: Workspace,
        into states: UnsafeMutableBufferPointer<Float>
    ) throws(EncoderError) {
        try begin(batch, workspace: workspace)
        layers(0..<configuration.layerCount, workspace: workspace)
        let hidden = workspace.hidden
        precondition(states.count == hidden.count * hidden.stride)
        guard hidden.count > 0, let target = states.baseAddress else { return }
        target.update(from: hidden.base, count: states.count)
    }

    /// Takes a batch into a workspace: checks it and sums the embeddings.
    ///
    /// `layer` for each layer in turn and `finish` complete it. Between two layers the thread may do
    /// other work, in another workspace.
    ///
    /// - Throws: `EncoderError`; the workspace can be used again.
    package func begin(_ batch: PackedBatch, workspace: Workspace) throws(EncoderError) {
        let longest = try check(batch)
        workspace.reserve(tokens: batch.tokenCount, length: longest)
        workspace.batch = batch
        workspace.findPooledTokens()
        StageTimes.timed(workspace.times, .embedding) { embed(batch, workspace) }
    }

    /// Sums the embeddings of the batch in the workspace.
    private func embed(_ batch: PackedBatch, _ workspace: Workspace) {
        workspace.positions.removeAll(keepingCapacity: true)
        for text in 0..<batch.count {
            var position = Int32(configuration.positionOffset)
            for token in batch.tokens(of: text) {
                if batch.tokenIDs[token] == configuration.positionPadding {
                    workspace.positions.append(Int32(configuration.positionOffset - 1))
                } else {
                    workspace.positions.append(position)
                    position += 1
                }
            }
        }
        let hidden = workspace.hidden
        let embedded = weights.embeddingProjection == nil ? hidden : workspace.embedded
        batch.tokenIDs.withUnsafeBufferPointer { ids in
            workspace.positions.withUnsafeBufferPointer { positions in
                batch.typeIDs.withUnsafeBufferPointer { types in
                    guard let ids = ids.baseAddress else { return }
                    kernels.embed(
                        EmbeddingRequest(
                            tokenIDs: ids, positions: positions.baseAddress,
                            types: types.isEmpty ? nil : types.baseAddress,
                            count: batch.tokenCount),
                        word: weights.words,
                        position: weights.positions.isEmpty ? nil : weights.positions,
                        type: weights.types.isEmpty ? nil : weights.types, to: embedded)
                }
            }
        }
        if configuration.embeddingScale != 1 { scale(embedded, by: configuration.embeddingScale) }
        for index in workspace.angles.indices { workspace.angles[index]?.prepare(batch) }
        let copy = type == .float32 ? nil : workspace.hiddenCopy
        if let projection = weights.embeddingProjection {
            project(embedded, projection, to: hidden, copy: copy)
        } else if let norm = weights.embeddingNorm {
            kernels.norm(hidden, norm, to: hidden, copy: copy)
        } else if let copy, configuration.normPlacement == .after {
            kernels.narrow(hidden, columns: configuration.hiddenSize, to: copy)
        }
        guard weights.convolution != nil, hidden.count > 0 else { return }
        workspace.embeddingCopy.base.update(
            from: hidden.base, count: hidden.count * hidden.stride)
    }

    /// The embeddings' norm, and the layer from their width to the hidden one.
    private func project(
        _ embedded: Rows<Float>, _ projection: PackedWeights, to hidden: Rows<Float>,
        copy: Rows<UInt16>?
    ) {
        let isNormedLast = configuration.normsAfterProjection
        if !isNormedLast, let norm = weights.embeddingNorm {
            kernels.norm(embedded, norm, to: embedded)
        }
        kernels.linear(
            .float32(embedded), projection, panels: 0..<projection.panelCount, to: .float32(hidden))
        if isNormedLast, let norm = weights.embeddingNorm {
            kernels.norm(hidden, norm, to: hidden, copy: copy)
        } else if let copy {
            kernels.narrow(hidden, columns: configuration.hiddenSize, to: copy)
        }
    }

    private func scale(_ rows: Rows<Float>, by factor: Float) {
        for index in 0..<rows.count * rows.stride { rows.base[index] *= factor }
    }

    /// Pools the texts of the batch that `begin` took, after all layers.
    ///
    /// - Precondition: `vectors` holds `count * pooling.dimensions(hiddenSize:)` numbers.
    package func finish(
        workspace: Workspace, pooling: PoolingConfiguration, normalize: Bool,
        into vectors: UnsafeMutableBufferPointer<Float>
    ) {
        let batch = workspace.batch
        let width = configuration.hiddenSize
        let dimensions = pooling.dimensions(hiddenSize: width)
        precondition(vectors.count == batch.count * dimensions)
        for text in 0..<batch.count {
            let tokens = batch.tokens(of: text)
            let vector = UnsafeMutableBufferPointer(
                rebasing: vectors[text * dimensions..<(text + 1) * dimensions])
            pooling.pool(
                workspace.hidden.rows(from: tokens.lowerBound, count: tokens.count), width: width,
                promptTokenCount: batch.promptTokenCount(of: text),
                into: vector.baseAddress.unsafelyUnwrapped)
            if normalize { PoolingConfiguration.normalize(vector) }
        }
    }

    /// Returns the length of the longest text.
    private func check(_ batch: PackedBatch) throws(EncoderError) -> Int {
        var longest = 1
        for text in 0..<batch.count {
            let length = batch.tokens(of: text).count
            guard length > 0 else { throw .emptyText(index: text) }
            guard length <= configuration.lengthMaximum else {
                throw .textTooLong(
                    index: text, length: length, maximum: configuration.lengthMaximum)
            }
            longest = max(longest, length)
        }
        for id in batch.tokenIDs where id < 0 || id >= configuration.vocabularySize {
            throw .idOutOfRange(id: id, count: configuration.vocabularySize)
        }
        let typeCount = max(1, configuration.typeCount)
        for id in batch.typeIDs where id < 0 || id >= typeCount {
            throw .idOutOfRange(id: id, count: typeCount)
        }
        return longest
    }
}
