import Kernels

/// DeBERTa-v2's convolution over a text's embeddings, which joins what its first layer gives.
package struct EmbeddingConvolution: Equatable, Sendable {
    /// The tokens that it reaches over: odd, so that it has a middle.
    package var width: Int
    package var activation: Activation

    /// The layer `[hidden, hidden, width]` and the norm after it, without `.weight`.
    static let layerName = "encoder.conv.conv"
    static let normName = "encoder.conv.LayerNorm"
}

/// The convolution as one matrix over the tokens around each, side by side.
struct ConvolutionWeights: Sendable {
    let convolution: EmbeddingConvolution
    /// `[hidden, width * hidden]`, in float32.
    let matrix: PackedWeights
    let norm: NormWeights

    /// - Throws: `ModelError` for a tensor that is missing or has another shape.
    init(
        _ convolution: EmbeddingConvolution, source: some TensorSource, hidden: Int,
        norm: NormWeights
    ) throws(ModelError) {
        self.convolution = convolution
        self.norm = norm
        let name = EmbeddingConvolution.layerName
        let width = convolution.width
        let stored = try source.tensor(named: name + ".weight", shape: [hidden, hidden, width])
            .floats()
        let bias =
            source.contains(name + ".bias")
            ? try source.tensor(named: name + ".bias", shape: [hidden]).floats() : nil
        var matrix = [Float](repeating: 0, count: stored.count)
        for output in 0..<hidden {
            for input in 0..<hidden {
                for place in 0..<width {
                    matrix[(output * width + place) * hidden + input] =
                        stored[(output * hidden + input) * width + place]
                }
            }
        }
        self.matrix = matrix.withUnsafeBytes {
            PackedWeights(
                [
                    StoredMatrix(
                        type: .float32, rows: hidden, columns: width * hidden, bytes: $0)
                ], biases: [bias], as: .float32)
        }
    }

    /// Lays the tokens around each of `block`, tokens of one text, side by side in `target`.
    ///
    /// Beyond the text's ends there are zeros. `embeddings` are those of the whole batch.
    func unfold(
        _ embeddings: Rows<Float>, _ block: Range<Int>, of tokens: Range<Int>,
        to target: Rows<Float>
    ) {
        let hidden = matrix.inputs / convolution.width
        for token in block {
            for place in 0..<convolution.width {
                let source = token + place - convolution.width / 2
                let row = target.base + (token - block.lowerBound) * target.stride + place * hidden
                if tokens.contains(source) {
                    row.update(from: embeddings.base + source * embeddings.stride, count: hidden)
                } else {
                    row.update(repeating: 0, count: hidden)
                }
            }
        }
    }
}

extension Encoder {
    /// `hidden = norm(hidden + activation(convolution(embeddings)))`, text by text.
    func convolve(_ weights: ConvolutionWeights, _ workspace: Workspace) {
        let matrix = weights.matrix
        for text in 0..<workspace.batch.count {
            let tokens = workspace.batch.tokens(of: text)
            for first in stride(
                from: tokens.lowerBound, to: tokens.upperBound, by: Workspace.blockRows)
            {
                let block = first..<min(first + Workspace.blockRows, tokens.upperBound)
                let unfolded = workspace.unfolded(count: block.count, columns: matrix.inputs)
                weights.unfold(workspace.embeddingCopy, block, of: tokens, to: unfolded)
                let hidden = workspace.hidden.rows(in: block)
                Crew(workspace.team).split { part in
                    kernels.linear(
                        .float32(unfolded), matrix, panels: part.share(of: matrix.panelCount),
                        activation: weights.convolution.activation, residual: hidden,
                        to: .float32(hidden))
                }
            }
        }
        kernels.layerNorm(
            workspace.hidden, weights.norm, copy: type == .float32 ? nil : workspace.hiddenCopy)
    }
}
