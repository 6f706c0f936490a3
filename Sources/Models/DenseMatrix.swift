import Kernels

extension TensorSource {
    /// A matrix `[outputs, inputs]` packed for float32 products, with the bias of that name where one is
    /// asked for.
    ///
    /// - Throws: ``ModelError`` for tensors that are missing or have other shapes.
    func matrix(
        _ name: String, outputs: Int, inputs: Int, bias: String? = nil
    ) throws(ModelError) -> PackedWeights {
        let weight = try tensor(named: name, shape: [outputs, inputs]).floats()
        let values: [Float]? =
            if let bias { try tensor(named: bias, shape: [outputs]).floats() } else { nil }
        return weight.withUnsafeBytes { bytes in
            let matrix = StoredMatrix(
                type: .float32, rows: outputs, columns: inputs, bytes: bytes)
            return PackedWeights([matrix], biases: [values], as: .float32)
        }
    }
}

extension Kernels {
    /// `activation(rows weights^T + bias) + residual` in float32, on the calling thread.
    func apply(
        _ weights: PackedWeights, to rows: Rows<Float>, activation: Activation = .identity,
        residual: Rows<Float>? = nil, into output: Rows<Float>
    ) {
        guard rows.count > 0 else { return }
        linear(
            .float32(rows), weights, panels: 0..<weights.panelCount, activation: activation,
            residual: residual, to: .float32(output))
    }
}
