import Kernels

/// The modules after the pooling with their weights: pooled vectors to the model's vectors.
///
/// They run in float32 whatever the encoder runs in: one row a text is little work. Each row is
/// computed by itself, so a text's vector does not depend on the other rows.
struct OutputLayers: Sendable {
    private enum Layer: Sendable {
        case dense(DenseLayer)
        case normalize
        case layerNorm(NormWeights)
    }

    /// The width of a pooled vector.
    let inputWidth: Int
    /// The width of a vector after the last module.
    let outputWidth: Int
    private let layers: [Layer]
    private let kernels: Kernels

    /// Reads the weights of the modules of `pipeline`.
    ///
    /// - Throws: ``ModelError`` for weights that are missing or contradict the configurations.
    init(
        _ pipeline: ModulePipeline, folder: ModelFolder, inputWidth: Int, kernels: Kernels
    ) throws(ModelError) {
        var layers: [Layer] = []
        for step in pipeline.steps {
            switch step {
            case .dense(let configuration):
                layers.append(.dense(try DenseLayer(configuration, folder: folder)))
            case .normalize: layers.append(.normalize)
            case .layerNorm(let path, let width):
                let weights = try WeightFiles(folder, in: path)
                let gain = try weights.tensor(named: "norm.weight", shape: [width])
                let shift = try weights.tensor(named: "norm.bias", shape: [width])
                // The class of the reference leaves PyTorch's epsilon as it is.
                layers.append(
                    .layerNorm(
                        NormWeights(gain: gain.floats(), shift: shift.floats(), epsilon: 1e-5)))
            }
        }
        self.layers = layers
        self.inputWidth = inputWidth
        outputWidth = pipeline.outputWidth
        self.kernels = kernels
    }

    /// Whether all that is left to do after pooling is to normalize.
    var onlyNormalizes: Bool {
        if case .normalize? = layers.first { layers.count == 1 } else { false }
    }

    /// Takes `[count, inputWidth]` numbers to `[count, outputWidth]`.
    func apply(to vectors: inout [Float], count: Int) {
        var width = inputWidth
        for layer in layers {
            switch layer {
            case .dense(let dense):
                vectors = dense.apply(to: &vectors, count: count, kernels)
                width = dense.outputWidth
            case .normalize:
                vectors.withUnsafeMutableBufferPointer { vectors in
                    for row in 0..<count {
                        PoolingConfiguration.normalize(
                            UnsafeMutableBufferPointer(
                                rebasing: vectors[row * width..<(row + 1) * width]))
                    }
                }
            case .layerNorm(let norm):
                vectors.withUnsafeMutableBufferPointer { vectors in
                    guard let base = vectors.baseAddress else { return }
                    kernels.layerNorm(Rows(base, count: count, stride: width), norm)
                }
            }
        }
    }
}

/// A Dense module: `activation(x·Wᵀ + b)`, plus the input where there is a residual.
private struct DenseLayer: Sendable {
    private enum Residual: Sendable {
        case none
        case input
        case projection(PackedWeights)
    }

    private let weights: PackedWeights
    private let activation: DenseActivation
    private let residual: Residual

    var outputWidth: Int { weights.outputs }

    init(_ configuration: DenseConfiguration, folder: ModelFolder) throws(ModelError) {
        let source = try WeightFiles(folder, in: configuration.path)
        weights = try Self.pack(
            "linear", bias: configuration.hasBias, source, configuration)
        activation = configuration.activation
        if !configuration.hasResidual {
            residual = .none
        } else if configuration.inputWidth == configuration.outputWidth {
            residual = .input
        } else {
            residual = .projection(
                try Self.pack("residual", bias: false, source, configuration))
        }
    }

    private static func pack(
        _ name: String, bias: Bool, _ source: WeightFiles, _ configuration: DenseConfiguration
    ) throws(ModelError) -> PackedWeights {
        let shape = [configuration.outputWidth, configuration.inputWidth]
        let weight = try source.tensor(named: name + ".weight", shape: shape)
        let bias =
            bias
            ? try source.tensor(named: name + ".bias", shape: [configuration.outputWidth]).floats()
            : nil
        return weight.floats().withUnsafeBytes { bytes in
            let matrix = StoredMatrix(
                type: .float32, rows: shape[0], columns: shape[1], bytes: bytes)
            return PackedWeights([matrix], biases: [bias], as: .float32)
        }
    }

    /// `[count, inputs]` to `[count, outputs]`; the input may be overwritten.
    func apply(to input: inout [Float], count: Int, _ kernels: Kernels) -> [Float] {
        input.withUnsafeMutableBufferPointer { input in
            [Float](unsafeUninitializedCapacity: count * outputWidth) { output, initialized in
                initialized = count * outputWidth
                guard let source = input.baseAddress, let target = output.baseAddress else {
                    return
                }
                let rows = Rows(source, count: count, stride: weights.inputs)
                let result = Rows(target, count: count, stride: outputWidth)
                add(rows, to: result, kernels)
            }
        }
    }

    private func add(_ rows: Rows<Float>, to result: Rows<Float>, _ kernels: Kernels) {
        guard case .projection(let projection) = residual else {
            if case .input = residual {
                multiply(rows, residual: rows, to: result, kernels)
            } else {
                multiply(rows, residual: nil, to: result, kernels)
            }
            return
        }
        let projected = AlignedBuffer(byteCount: rows.count * outputWidth * 4)
        withExtendedLifetime(projected) {
            let sum = Rows(
                projected.elements(of: Float.self), count: rows.count, stride: outputWidth)
            kernels.linear(
                .float32(rows), projection, panels: 0..<projection.panelCount, to: .float32(sum))
            multiply(rows, residual: sum, to: result, kernels)
        }
    }

    /// `activation(x·Wᵀ + b) + residual`.
    private func multiply(
        _ rows: Rows<Float>, residual: Rows<Float>?, to result: Rows<Float>, _ kernels: Kernels
    ) {
        let panels = 0..<weights.panelCount
        if let activation = activation.kernel {
            kernels.linear(
                .float32(rows), weights, panels: panels, activation: activation,
                residual: residual, to: .float32(result))
            return
        }
        kernels.linear(.float32(rows), weights, panels: panels, to: .float32(result))
        for row in 0..<result.count {
            let vector = UnsafeMutableBufferPointer(
                start: result.base + row * result.stride, count: outputWidth)
            activation.apply(to: vector)
            guard let residual else { continue }
            for column in 0..<outputWidth {
                vector[column] += residual.base[row * residual.stride + column]
            }
        }
    }
}
