import Kernels

/// The Universal Sentence Encoder at work on one thread.
///
/// The batch's tokens are computed in blocks, each with as many neighbours as its convolutions see, so
/// memory does not grow with a text; only the sum over a text's tokens is kept.
final class UniversalEncoderWorkspace: BackboneWorkspace {
    private let model: UniversalEncoder
    var team: Team?
    private(set) var batch = PackedBatch()
    /// The sum of each text's features: `[texts, featureWidth]`.
    private var sums = FloatMatrix(columns: 0)
    private var projected = FloatMatrix(columns: 0)

    /// Tokens of a block.
    private static let blockRows = 128

    init(_ model: UniversalEncoder) {
        self.model = model
    }

    func begin(_ batch: PackedBatch) throws(EncoderError) {
        let count = Int32(clamping: model.configuration.vocabularySize)
        for id in batch.tokenIDs where id < 0 || id >= count {
            throw .idOutOfRange(id: id, count: Int(count))
        }
        for text in 0..<batch.count where batch.tokens(of: text).isEmpty {
            throw .emptyText(index: text)
        }
        self.batch = batch
    }

    func layer(_ index: Int) {
        let width = model.configuration.featureWidth
        sums = FloatMatrix(rows: batch.count, columns: width)
        sums.rows.base.update(repeating: 0, count: batch.count * width)
        var text = 0
        eachBlock(of: 0..<batch.tokenCount) { block, features in
            for token in block {
                while !batch.tokens(of: text).contains(token) { text += 1 }
                let (sum, source) = (sums.row(text), features.row(token - block.lowerBound))
                for column in 0..<width { sum[column] += source[column] }
            }
        }
    }

    func states(of index: Int) -> Rows<Float> {
        let tokens = batch.tokens(of: index)
        projected = FloatMatrix(rows: tokens.count, columns: model.width)
        eachBlock(of: tokens) { block, features in
            model.kernels.apply(
                model.output, to: features.rows.rows(from: 0, count: block.count),
                into: projected.rows.rows(
                    from: block.lowerBound - tokens.lowerBound, count: block.count))
        }
        return projected.rows
    }

    /// The features of the tokens of `range`, normalised, a block at a time.
    private func eachBlock(of range: Range<Int>, _ body: (Range<Int>, FloatMatrix) -> Void) {
        let width = model.configuration.convolutionWidth
        let features = FloatMatrix(
            rows: Self.blockRows, columns: model.configuration.featureWidth)
        for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockRows) {
            let block = first..<min(first + Self.blockRows, range.upperBound)
            for (row, token) in block.enumerated() {
                model.copyVector(of: batch.tokenIDs[token], into: features.row(row))
            }
            // Two convolutions see their neighbours' neighbours.
            let outer = neighbours(of: neighbours(of: block))
            let inputs = embedded(outer)
            let projected = FloatMatrix(rows: outer.count, columns: width * model.branches.count)
            model.kernels.apply(model.projection, to: inputs.rows, into: projected.rows)
            model.kernels.layerNorm(projected.rows, model.projectionNorm)
            for (index, branch) in model.branches.enumerated() {
                let column = model.configuration.embeddingWidth + index * width
                convolve(
                    branch, projected.rows.columns(from: index * width), outer,
                    into: features.rows.rows(from: 0, count: block.count).columns(from: column),
                    block)
            }
            model.kernels.layerNorm(features.rows.rows(from: 0, count: block.count), model.norm)
            body(block, features)
            for matrix in [inputs, projected] { extendLifetime(matrix) }
        }
        extendLifetime(features)
    }

    /// The tokens of the batch that any convolution over those of `range` reads.
    private func neighbours(of range: Range<Int>) -> Range<Int> {
        let shapes = model.configuration.branches
        let left = shapes.map(\.left).max() ?? 0
        let right = shapes.map { $0.order - 1 - $0.left }.max() ?? 0
        return max(0, range.lowerBound - left)..<min(batch.tokenCount, range.upperBound + right)
    }

    /// `h = z + relu(W1 [z...] + b1)`, then `h + relu(W2 [h...] + b2)` for the tokens of `block`.
    ///
    /// - Parameters:
    ///   - inputs: z of the tokens of `outer`.
    private func convolve(
        _ branch: UniversalEncoder.Branch, _ inputs: Rows<Float>, _ outer: Range<Int>,
        into output: Rows<Float>, _ block: Range<Int>
    ) {
        let middle = neighbours(of: block)
        let second = FloatMatrix(
            rows: middle.count, columns: model.configuration.convolutionWidth)
        let around = unfolded(inputs, outer, around: middle, branch.shape)
        model.kernels.apply(
            branch.first, to: around.rows, activation: .relu,
            residual: inputs.rows(
                from: middle.lowerBound - outer.lowerBound, count: middle.count),
            into: second.rows)
        let aroundSecond = unfolded(second.rows, middle, around: block, branch.shape)
        model.kernels.apply(
            branch.second, to: aroundSecond.rows, activation: .relu,
            residual: second.rows.rows(
                from: block.lowerBound - middle.lowerBound, count: block.count),
            into: output)
        for matrix in [second, around, aroundSecond] { extendLifetime(matrix) }
    }

    private func embedded(_ tokens: Range<Int>) -> FloatMatrix {
        let matrix = FloatMatrix(rows: tokens.count, columns: model.configuration.embeddingWidth)
        for (row, token) in tokens.enumerated() {
            model.copyVector(of: batch.tokenIDs[token], into: matrix.row(row))
        }
        return matrix
    }

    /// The rows around each token of `block` side by side; beyond its text's ends there are zeros.
    private func unfolded(
        _ rows: Rows<Float>, _ range: Range<Int>, around block: Range<Int>,
        _ shape: UniversalEncoderConfiguration.Branch
    ) -> FloatMatrix {
        let width = model.configuration.convolutionWidth
        let result = FloatMatrix(rows: block.count, columns: shape.order * width)
        for (row, token) in block.enumerated() {
            let text = batch.tokens(of: batch.text(of: token))
            for place in 0..<shape.order {
                let (source, target) = (token - shape.left + place, result.row(row) + place * width)
                if text.contains(source) {
                    target.update(
                        from: rows.base + (source - range.lowerBound) * rows.stride, count: width)
                } else {
                    target.update(repeating: 0, count: width)
                }
            }
        }
        return result
    }

    /// The text's vector, of length 1; the folder's pooling is the model's own.
    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>
    ) {
        let count = Float(batch.tokens(of: index).count)
        let (width, inner) = (model.width, model.configuration.headWidth)
        let (kernels, head) = (model.kernels, model.head)
        // The mean commutes with the product, but not its bias: one is added a token.
        let features = model.configuration.featureWidth
        let mean = FloatMatrix(rows: 1, columns: features)
        for column in 0..<features { mean.row(0)[column] = sums.row(index)[column] / count }
        let v = FloatMatrix(rows: 1, columns: width)
        kernels.apply(model.output, to: mean.rows, into: v.rows)
        for column in 0..<width { v.row(0)[column] *= count.squareRoot() }
        let (y0, y1) = (FloatMatrix(rows: 1, columns: inner), FloatMatrix(rows: 1, columns: inner))
        let y2 = FloatMatrix(rows: 1, columns: width)
        kernels.apply(head.d0, to: v.rows, activation: .relu, into: y0.rows)
        kernels.apply(head.p1, to: v.rows, into: y1.rows)
        kernels.apply(head.d1, to: y0.rows, residual: y1.rows, into: y1.rows)
        kernels.activate(y1.row(0), count: inner, .relu)
        kernels.apply(head.d2, to: y1.rows, activation: .relu, into: y2.rows)
        let z = Rows(target, count: 1, stride: width)
        kernels.apply(head.p3, to: y1.rows, into: z)
        kernels.apply(head.d3, to: y2.rows, residual: z, into: z)
        kernels.activate(target, count: width, .tanh)
        var sum: Float = 0
        for column in 0..<width { sum += target[column] * target[column] }
        let length = max(sum, model.configuration.epsilon).squareRoot()
        for column in 0..<width { target[column] /= length }
        for matrix in [mean, v, y0, y1, y2] { extendLifetime(matrix) }
    }
}
