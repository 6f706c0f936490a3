import Kernels

/// One layer's weights, packed.
struct LayerWeights {
    /// Query, key and value in one: `[3 * hidden, hidden]`.
    let queryKeyValue: LinearLayer
    let attentionOutput: LinearLayer
    let attentionNorm: NormWeights
    let intermediate: LinearLayer
    let output: LinearLayer
    let outputNorm: NormWeights
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
    let positions: [Float]
    /// Empty when there is no type table.
    let types: [Float]
    let embeddingNorm: NormWeights
    /// From the embeddings' width to the hidden one, in float32; nil when they are the same.
    let embeddingProjection: PackedWeights?
    /// Nil when scores depend on no distance.
    let relativeBias: RelativeBias?
    /// The stored layers; several of the encoder's may use one.
    let layers: [LayerWeights]

    /// The bytes of the packed layers, without the embedding tables.
    var packedByteCount: Int {
        layers.reduce(embeddingProjection?.byteCount ?? 0) {
            $0 + $1.queryKeyValue.weights.byteCount + $1.attentionOutput.weights.byteCount
                + $1.intermediate.weights.byteCount + $1.output.weights.byteCount
        }
    }

    /// The bytes of the embedding tables.
    var embeddingByteCount: Int {
        wordTensor.bytes.count + 4 * (positions.count + types.count)
    }

    /// Reads and packs all tensors that `configuration` calls for.
    ///
    /// - Throws: `ModelError` for a tensor that is missing or has another shape.
    init(
        _ configuration: EncoderConfiguration, source: some TensorSource, type: NumericType,
        ranges: InputRanges? = nil
    ) throws(ModelError) {
        let names = configuration.names
        let hidden = configuration.hiddenSize
        let width = configuration.embeddingSize ?? hidden
        let reader = WeightReader(source: source, ranges: ranges)
        wordTensor = try source.tensor(
            named: names.wordEmbeddings + ".weight", shape: [configuration.vocabularySize, width])
        words = StoredMatrix(wordTensor)
        positions = try source.tensor(
            named: names.positionEmbeddings + ".weight",
            shape: [configuration.positionCount, width]
        ).floats()
        types =
            configuration.typeCount == 0
            ? []
            : try source.tensor(
                named: names.typeEmbeddings + ".weight", shape: [configuration.typeCount, width]
            ).floats()
        embeddingNorm = try reader.norm(
            names.embeddingNorm, size: width, epsilon: configuration.normEpsilon)
        embeddingProjection =
            configuration.embeddingSize == nil
            ? nil
            : try reader.linear([names.embeddingProjection], hidden, width, .float32, nil).weights
        relativeBias =
            if let relative = configuration.relativePositions {
                try RelativeBias(
                    relative, source: source, heads: configuration.headCount,
                    length: configuration.lengthMaximum, scale: configuration.attentionScale)
            } else {
                nil
            }
        var layers: [LayerWeights] = []
        for index in 0..<configuration.storedLayerCount {
            layers.append(try reader.layer(index, configuration, type))
        }
        self.layers = layers
    }
}

/// Takes layers out of a source of tensors.
private struct WeightReader<Source: TensorSource> {
    let source: Source
    /// int8 only: what the inputs were seen to be.
    let ranges: InputRanges?

    func layer(
        _ index: Int, _ configuration: EncoderConfiguration, _ type: NumericType
    ) throws(ModelError) -> LayerWeights {
        let names = configuration.names
        let hidden = configuration.hiddenSize
        let inner = configuration.intermediateSize
        let epsilon = configuration.normEpsilon
        func name(_ part: String) -> String { names.layer(index, part) }
        return LayerWeights(
            queryKeyValue: try linear(
                [name(names.query), name(names.key), name(names.value)], hidden, hidden, type,
                InputRanges.Key(layer: index, place: .queryKeyValue)),
            attentionOutput: try linear(
                [name(names.attentionOutput)], hidden, hidden, type,
                InputRanges.Key(layer: index, place: .attentionOutput)),
            attentionNorm: try norm(name(names.attentionNorm), size: hidden, epsilon: epsilon),
            intermediate: try linear(
                [name(names.intermediate)], inner, hidden, type,
                InputRanges.Key(layer: index, place: .intermediate)),
            output: try linear(
                [name(names.output)], hidden, inner, type,
                InputRanges.Key(layer: index, place: .output)),
            outputNorm: try norm(name(names.outputNorm), size: hidden, epsilon: epsilon))
    }

    /// The layers named, each `[outputs, inputs]` with a bias where there is one, stacked.
    func linear(
        _ names: [String], _ outputs: Int, _ inputs: Int, _ type: NumericType,
        _ key: InputRanges.Key?
    ) throws(ModelError) -> LinearLayer {
        // The views own the mapping that the matrices point into.
        var views: [TensorView] = []
        var biases: [[Float]?] = []
        for name in names {
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
            return LinearLayer(
                weights: PackedWeights(matrices, biases: biases, as: type, smooth: smooth),
                inverseSmooth: smooth?.map { 1 / $0 })
        }
    }

    func norm(_ name: String, size: Int, epsilon: Float) throws(ModelError) -> NormWeights {
        let gain = try source.tensor(named: name + ".weight", shape: [size]).floats()
        let shift =
            source.contains(name + ".bias")
            ? try source.tensor(named: name + ".bias", shape: [size]).floats() : nil
        return NormWeights(gain: gain, shift: shift, epsilon: epsilon)
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
