import Kernels

/// What the linear layers of an encoder read over a run of texts in bfloat16: the largest absolute value
/// of each input, and a sample of the rows.
///
/// Outlier inputs of a layer would take the eight bits from all others. Dividing each input by
/// `sqrt(max|x|) / sqrt(max|w|)` before it is quantized, and multiplying its weights by the same, leaves
/// the product as it is and shares the difficulty between both (SmoothQuant, arXiv 2211.10438). The
/// sample then tells what the eight bits cost that layer.
final class InputRanges {
    private let kernels: Kernels
    private let crew: Crew
    private var seen: [Key: Inputs] = [:]
    /// The layers that stay in bfloat16, in order, for people.
    private(set) var kept: [String] = []
    /// The error of each layer packed so far, in order.
    private(set) var errors: [Double] = []

    struct Key: Hashable {
        let layer: Int
        let place: LinearPlace
    }

    private struct Inputs {
        /// The layer in bfloat16.
        let exact: LinearLayer
        var maxima: [Float]
        /// Rows of bfloat16, as long as the packed weights want them.
        var sample: [UInt16] = []
        /// The rows that were there to sample from.
        var rowCount = 0
    }

    /// One row in so many is kept, and no more than this.
    private static let sampleStep = 8
    private static let sampleMaximum = 96

    /// Above this error a layer stays in bfloat16.
    ///
    /// Ordinary layers lose 1 to 2 percent; outliers that smoothing does not reach cost tens.
    static let errorMaximum = 0.1

    init(kernels: Kernels, crew: Crew) {
        self.kernels = kernels
        self.crew = crew
    }

    /// Takes in rows that the layer reads.
    func note(_ rows: Rows<UInt16>, of layer: LinearLayer, at key: Key) {
        let columns = layer.weights.inputs
        let width = layer.weights.paddedInputs
        var inputs =
            seen.removeValue(forKey: key)
            ?? Inputs(exact: layer, maxima: Array(repeating: 0, count: columns))
        rows.raise(&inputs.maxima)
        for row in 0..<rows.count {
            defer { inputs.rowCount += 1 }
            guard inputs.rowCount % Self.sampleStep == 0,
                inputs.sample.count < Self.sampleMaximum * width
            else { continue }
            inputs.sample += UnsafeBufferPointer(
                start: rows.base + row * rows.stride, count: columns)
            inputs.sample += repeatElement(0, count: width - columns)
        }
        seen[key] = inputs
    }

    /// What the layer's weights are multiplied by, input by input; nil for a layer never seen.
    func smoothing(of key: Key, weights: [StoredMatrix]) -> [Float]? {
        guard let inputs = seen[key]?.maxima else { return nil }
        var sizes = [Float](repeating: 0, count: inputs.count)
        for matrix in weights { matrix.raise(&sizes) }
        return zip(inputs, sizes).map { input, weight in
            guard input > 0, weight > 0 else { return 1 }
            return (input / weight).squareRoot()
        }
    }

    /// The layer in eight bits, or in bfloat16 when the eight bits lose too much; its inputs are
    /// forgotten.
    func faithful(_ quantized: LinearLayer, at key: Key) -> LinearLayer {
        guard let inputs = seen.removeValue(forKey: key), !inputs.sample.isEmpty else {
            return quantized
        }
        let error = error(of: quantized, inputs)
        errors.append(error)
        // An undefined error is no reason to trust the layer.
        guard !(error <= Self.errorMaximum) else { return quantized }
        kept.append("layer \(key.layer) \(key.place.rawValue)")
        return inputs.exact
    }

    /// The root of the squared differences between both types' outputs, over the root of how far the
    /// outputs are from their mean.
    private func error(of quantized: LinearLayer, _ inputs: Inputs) -> Double {
        let width = inputs.exact.weights.paddedInputs
        let count = inputs.sample.count / width
        var sample = inputs.sample
        return sample.withUnsafeMutableBufferPointer { sample in
            guard let base = sample.baseAddress else { return .nan }
            let rows = Rows(base, count: count, stride: width)
            let exact = output(of: inputs.exact, .bfloat16(rows), count)
            let memory = QuantizedMemory(count: count, columns: width)
            kernels.quantize(
                rows, columns: quantized.weights.inputs, inverseSmooth: quantized.inverseSmooth,
                to: memory.rows)
            let rounded = withExtendedLifetime(memory) {
                output(of: quantized, .int8(memory.rows), count)
            }
            return Self.relativeDifference(
                rounded, exact, rows: count, columns: quantized.weights.outputs)
        }
    }

    private func output(of layer: LinearLayer, _ input: LinearInput, _ count: Int) -> [Float] {
        let width = layer.weights.outputs
        var output = [Float](repeating: 0, count: count * width)
        output.withUnsafeMutableBufferPointer { output in
            guard let base = output.baseAddress else { return }
            let rows = Rows(base, count: count, stride: width)
            crew.split { part in
                kernels.linear(
                    input, layer.weights, panels: part.share(of: layer.weights.panelCount),
                    to: .float32(rows))
            }
        }
        return output
    }

    private static func relativeDifference(
        _ left: [Float], _ right: [Float], rows: Int, columns: Int
    ) -> Double {
        var means = [Float](repeating: 0, count: columns)
        var difference: Float = 0
        var spread: Float = 0
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                for row in 0..<rows {
                    for column in 0..<columns {
                        means[column] += right[row * columns + column] / Float(rows)
                    }
                }
                for row in 0..<rows {
                    for column in 0..<columns {
                        let index = row * columns + column
                        let away = left[index] - right[index]
                        let apart = right[index] - means[column]
                        difference += away * away
                        spread += apart * apart
                    }
                }
            }
        }
        return (Double(difference) / Double(max(spread, .leastNormalMagnitude))).squareRoot()
    }
}

/// Memory for rows in eight bits.
private final class QuantizedMemory {
    let rows: QuantizedRows
    private let values: AlignedBuffer
    private let scales: AlignedBuffer
    private let zeros: AlignedBuffer

    init(count: Int, columns: Int) {
        let stride = PackedWeights.padded(columns, for: .int8)
        values = AlignedBuffer(byteCount: count * stride)
        scales = AlignedBuffer(byteCount: count * 4)
        zeros = AlignedBuffer(byteCount: count * 4)
        rows = QuantizedRows(
            values: Rows(values.elements(of: UInt8.self), count: count, stride: stride),
            scales: scales.elements(of: Float.self), zeros: zeros.elements(of: Int32.self))
    }
}

/// The linear layers of a transformer layer.
enum LinearPlace: String {
    case queryKeyValue = "query, key and value"
    case attentionOutput = "attention output"
    case intermediate, output
}
