import Kernels

/// The largest absolute value of each input of each linear layer, over a run of texts.
///
/// Outlier inputs of a layer would take the eight bits from all others. Dividing each input by
/// `sqrt(max|x|) / sqrt(max|w|)` before it is quantized, and multiplying its weights by the same, leaves
/// the product as it is and shares the difficulty between both (SmoothQuant, arXiv 2211.10438).
final class InputRanges {
    /// By the layer's number and its place in the layer.
    private var maxima: [Key: [Float]] = [:]

    struct Key: Hashable {
        let layer: Int
        let place: LinearPlace
    }

    /// Takes in rows that a layer reads.
    func note(_ rows: Rows<Float>, columns: Int, of key: Key) {
        var range = maxima[key] ?? Array(repeating: 0, count: columns)
        for row in 0..<rows.count {
            let base = rows.base + row * rows.stride
            for column in 0..<columns {
                let size = abs(base[column])
                if size > range[column] { range[column] = size }
            }
        }
        maxima[key] = range
    }

    /// What the layer's weights are multiplied by, input by input; nil for a layer never seen.
    func smoothing(of key: Key, weights: [StoredMatrix]) -> [Float]? {
        guard let inputs = maxima[key] else { return nil }
        var sizes = [Float](repeating: 0, count: inputs.count)
        for matrix in weights { matrix.raise(&sizes) }
        return zip(inputs, sizes).map { input, weight in
            guard input > 0, weight > 0 else { return 1 }
            return (input / weight).squareRoot()
        }
    }
}

/// The linear layers of a transformer layer.
enum LinearPlace: Hashable {
    case queryKeyValue, attentionOutput, intermediate, output
}
