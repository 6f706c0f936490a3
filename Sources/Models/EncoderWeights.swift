import Kernels

/// One layer's weights, packed.
struct LayerWeights {
    /// Query, key and value in one: `[mixedWidth, hidden]`.
    let queryKeyValue: LinearLayer
    /// The norms of each head's queries and keys; nil for none.
    let queryNorm: NormWeights?
    let keyNorm: NormWeights?
    /// The norms of all heads' queries and keys together; nil for none.
    let wideQueryNorm: NormWeights?
    let wideKeyNorm: NormWeights?
    let attentionOutput: LinearLayer
    /// Before or behind attention, as the configuration says; nil where a layer has none.
    let attentionNorm: NormWeights?
    /// Behind attention, where the other is before it.
    let attentionPostNorm: NormWeights?
    /// Behind the norm behind attention, with attention's input added once more; nil for none.
    let secondAttentionNorm: NormWeights?
    /// With the gate in one, where there is one: `[2 * intermediate, hidden]`.
    let intermediate: LinearLayer
    let output: LinearLayer
    let outputNorm: NormWeights
    let outputPostNorm: NormWeights?
    /// The layer's own biases by distance; nil where all layers have the same, or none.
    var relativeBias: RelativeBias?
    /// What the distances' vectors are for this layer; nil where scores are by content alone.
    var disentangled: DisentangledWeights?
}

/// A linear layer with what its input needs before it.
struct LinearLayer {
    let weights: PackedWeights
    /// int8 only: what each input is multiplied by before it is quantized.
    let inverseSmooth: [Float]?
}

/// An encoder's weights: matrices packed in the numbers asked for, word embeddings left in the file.
struct EncoderWeights: @unchecked Sendable {
    /// Safe to share: read only; `words` points into `wordTensor`, which keeps the mapping alive.
    private let wordTensor: TensorView
    let words: StoredMatrix
    /// Empty when there is no type table.
    let types: [Float]
    /// Nil when the embeddings' sum has none.
    let embeddingNorm: NormWeights?
    /// Behind the last layer; nil for none.
    let finalNorm: NormWeights?
    /// Empty when there is no table of positions.
    let positions: [Float]
    /// From the embeddings' width to the hidden one, in float32; nil when they are the same.
    let embeddingProjection: PackedWeights?
    /// Nil when scores depend on no distance.
    let relativeBias: RelativeBias?
    /// Nil when scores are by content alone.
    let disentangled: DisentangledTable?
    /// Nil when no convolution joins the first layer.
    let convolution: ConvolutionWeights?
    /// The stored layers; several of the encoder's may use one.
    var layers: [LayerWeights] = []

    /// The bytes of the packed layers, without the embedding tables.
    var packedByteCount: Int {
        layers.reduce(
            (embeddingProjection?.byteCount ?? 0) + (convolution?.matrix.byteCount ?? 0)
        ) {
            $0 + $1.queryKeyValue.weights.byteCount + $1.attentionOutput.weights.byteCount
                + $1.intermediate.weights.byteCount + $1.output.weights.byteCount
                + ($1.disentangled?.byteCount ?? 0)
        }
    }

    /// The bytes of the embedding tables.
    var embeddingByteCount: Int {
        wordTensor.bytes.count + 4 * (positions.count + types.count)
    }

    /// Reads all tensors that `configuration` calls for but those of the layers.
    ///
    /// - Throws: `ModelError` for a tensor that is missing or has another shape.
    init(
        _ configuration: EncoderConfiguration, reader: WeightReader<some TensorSource>
    ) throws(ModelError) {
        // What is added to vectors that are scaled later.
        let share = configuration.scalesWordsAlone ? 1 / configuration.embeddingScale : 1
        func scaled(_ table: [Float]) -> [Float] { share == 1 ? table : table.map { $0 * share } }
        let source = reader.source
        let names = configuration.names
        let hidden = configuration.hiddenSize
        let width = configuration.embeddingSize ?? hidden
        let words = [names.wordEmbeddings, names.wordEmbeddingsAlias ?? names.wordEmbeddings]
            .map { $0 + ".weight" }
        wordTensor = try source.tensor(
            named: words.first(where: source.contains) ?? words[0],
            shape: [configuration.vocabularySize, width])
        self.words = StoredMatrix(wordTensor)
        positions =
            configuration.positionCount == 0
            ? []
            : scaled(
                try source.tensor(
                    named: names.positionEmbeddings + ".weight",
                    shape: [configuration.positionCount, width]
                ).floats())
        types =
            configuration.typeCount == 0
            ? []
            : scaled(
                try source.tensor(
                    named: names.typeEmbeddings + ".weight",
                    shape: [configuration.typeCount, width]
                ).floats())
        embeddingNorm =
            configuration.normsEmbeddings
            ? try reader.norm(
                names.embeddingNorm, size: configuration.normsAfterProjection ? hidden : width,
                configuration) : nil
        finalNorm =
            if let name = names.finalNorm {
                try reader.norm(name, size: hidden, configuration)
            } else {
                nil
            }
        embeddingProjection =
            configuration.embeddingSize == nil
            ? nil
            : try reader.linear(
                [(hidden, names.embeddingProjection)], width, .float32, nil
            ).weights
        relativeBias =
            if let relative = configuration.relativePositions {
                relative.isOfLayers
                    ? nil
                    : try RelativeBias(
                        relative, named: relative.tensorName, source: source, configuration)
            } else if configuration.hasLinearBias {
                RelativeBias(
                    slopesOf: configuration.headCount, length: configuration.lengthMaximum,
                    scale: configuration.attentionScale)
            } else {
                nil
            }
        func norm(_ name: String) throws(ModelError) -> NormWeights {
            try reader.norm(name, size: hidden, configuration)
        }
        disentangled =
            if let positions = configuration.disentangled {
                try DisentangledTable(
                    positions, configuration, source: source,
                    norm: positions.normalizes ? norm(DisentangledPositions.normName) : nil,
                    kernels: reader.kernels)
            } else {
                nil
            }
        convolution =
            if let convolution = configuration.convolution {
                try ConvolutionWeights(
                    convolution, source: source, hidden: hidden,
                    norm: norm(EmbeddingConvolution.normName))
            } else {
                nil
            }
    }
}

/// Takes layers out of a source of tensors.
struct WeightReader<Source: TensorSource> {
    let source: Source
    let kernels: Kernels
    /// False for layers that others take the place of.
    var isLasting = true
    /// Who packs.
    var crew = Crew(nil)
    /// int8 only: what the inputs were seen to be.
    var ranges: InputRanges?
    /// What the layers' distances are made of; nil where scores are by content alone.
    var disentangled: DisentangledTable?

    func layer(
        _ index: Int, _ configuration: EncoderConfiguration, _ type: NumericType
    ) throws(ModelError) -> LayerWeights {
        let names = configuration.names
        let hidden = configuration.hiddenSize
        let inner = configuration.intermediateSize
        let head = configuration.headSize
        func name(_ part: String) -> String { names.layer(index, part) }
        func norm(_ part: String?, size: Int) throws(ModelError) -> NormWeights? {
            guard let part else { return nil }
            return try self.norm(name(part), size: size, configuration)
        }
        var layer = LayerWeights(
            queryKeyValue: try linear(
                configuration.mixedParts.map { ($0.outputs, name($0.name)) }, hidden, type,
                InputRanges.Key(layer: index, place: .queryKeyValue)),
            queryNorm: try norm(names.queryNorm, size: head),
            keyNorm: try norm(names.keyNorm, size: head),
            wideQueryNorm: try norm(names.wideQueryNorm, size: configuration.attentionWidth),
            wideKeyNorm: try norm(names.wideKeyNorm, size: configuration.attentionWidth),
            attentionOutput: try linear(
                [(hidden, name(names.attentionOutput))], configuration.attentionWidth, type,
                InputRanges.Key(layer: index, place: .attentionOutput)),
            attentionNorm: index == 0 && configuration.skipsFirstNorm
                ? nil : try norm(names.attentionNorm, size: hidden),
            attentionPostNorm: try norm(names.attentionPostNorm, size: hidden),
            secondAttentionNorm: try norm(names.secondAttentionNorm, size: hidden),
            intermediate: try linear(
                configuration.innerParts.map { ($0.outputs, name($0.name)) }, hidden, type,
                InputRanges.Key(layer: index, place: .intermediate)),
            output: try linear(
                [(hidden, name(names.output))], inner, type,
                InputRanges.Key(layer: index, place: .output)),
            outputNorm: try self.norm(name(names.outputNorm), size: hidden, configuration),
            outputPostNorm: try norm(names.outputPostNorm, size: hidden))
        if let relative = configuration.relativePositions, relative.isOfLayers {
            layer.relativeBias = try RelativeBias(
                relative, named: name(relative.tensorName), source: source, configuration)
        }
        if let disentangled {
            layer.disentangled = try positions(disentangled, index, configuration, type)
        }
        return layer
    }

    /// The layers named, each `[outputs, inputs]` with a bias where there is one, stacked.
    func linear(
        _ parts: [(outputs: Int, name: String)], _ inputs: Int, _ type: NumericType,
        _ key: InputRanges.Key?
    ) throws(ModelError) -> LinearLayer {
        // The views own the mapping that the matrices point into.
        var views: [TensorView] = []
        var biases: [[Float]?] = []
        for (outputs, name) in parts {
            views.append(try source.tensor(named: name + ".weight", shape: [outputs, inputs]))
            biases.append(
                source.contains(name + ".bias")
                    ? try source.tensor(named: name + ".bias", shape: [outputs]).floats() : nil)
        }
        return withExtendedLifetime(views) {
            let matrices = views.map(StoredMatrix.init)
            let smooth = key.flatMap {
                type == .int8 ? ranges?.smoothing(of: $0, weights: matrices) : nil
            }
            let layer = LinearLayer(
                weights: PackedWeights(
                    matrices, biases: biases, as: type, smooth: smooth, isLasting: isLasting,
                    crew: crew),
                inverseSmooth: smooth?.map { 1 / $0 })
            guard type == .int8, let ranges, let key else { return layer }
            return ranges.faithful(layer, at: key)
        }
    }

    func norm(
        _ name: String, size: Int, _ configuration: EncoderConfiguration
    ) throws(ModelError) -> NormWeights {
        var gain = try source.tensor(named: name + ".weight", shape: [size]).floats()
        if configuration.gainOffset != 0 {
            for i in gain.indices { gain[i] += configuration.gainOffset }
        }
        let shift =
            configuration.normKind == .layer && source.contains(name + ".bias")
            ? try source.tensor(named: name + ".bias", shape: [size]).floats() : nil
        return NormWeights(
            kind: configuration.normKind, gain: gain, shift: shift,
            epsilon: configuration.normEpsilon)
    }
}

extension StoredMatrix {
    /// - Precondition: a tensor of two axes and floating-point elements.
    fileprivate init(_ view: TensorView) {
        let type: StoredType =
            switch view.dtype {
            case .float16: .float16
            case .bfloat16: .bfloat16
            default: .float32
            }
        self.init(type: type, rows: view.shape[0], columns: view.shape[1], bytes: view.bytes)
    }
}
