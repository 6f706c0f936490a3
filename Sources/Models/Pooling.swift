import Kernels

extension PoolingConfiguration {
    /// The length of the pooled vector.
    package func dimensions(hiddenSize: Int) -> Int { modes.count * hiddenSize }

    /// Writes the pooled vector of one text, whose tokens are `rows`, of `width` numbers each.
    ///
    /// Tokens are added in order, so the result does not depend on anything but the text. Where every
    /// token is prompt, nothing is left to pool and the vector is zero.
    package func pool(
        _ rows: Rows<Float>, width: Int, promptTokenCount: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let first = includesPrompt ? 0 : Swift.min(promptTokenCount, rows.count)
        for (index, mode) in modes.enumerated() {
            Self.pool(mode, rows, first: first, width: width, into: target + index * width)
        }
    }

    private static func pool(
        _ mode: Mode, _ rows: Rows<Float>, first: Int, width: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        guard first < rows.count else {
            target.update(repeating: 0, count: width)
            return
        }
        switch mode {
        case .cls:
            target.update(from: rows.base + first * rows.stride, count: width)
        case .lastToken:
            target.update(from: rows.base + (rows.count - 1) * rows.stride, count: width)
        case .max:
            target.update(from: rows.base + first * rows.stride, count: width)
            for row in (first + 1)..<Swift.max(rows.count, first + 1) {
                let source = rows.base + row * rows.stride
                for column in 0..<width where source[column] > target[column] {
                    target[column] = source[column]
                }
            }
        case .mean, .meanSquareRootLength, .weightedMean:
            target.update(repeating: 0, count: width)
            var divisor: Float = 0
            for row in first..<rows.count {
                let weight = mode == .weightedMean ? Float(row + 1) : 1
                let source = rows.base + row * rows.stride
                for column in 0..<width { target[column] += weight * source[column] }
                divisor += weight
            }
            if mode == .meanSquareRootLength { divisor = divisor.squareRoot() }
            for column in 0..<width { target[column] /= divisor }
        }
    }

    /// Scales a vector to length 1; a zero vector stays zero.
    package static func normalize(_ vector: UnsafeMutableBufferPointer<Float>) {
        var sum = 0.0
        for value in vector { sum += Double(value) * Double(value) }
        // The reference divides by max(length, 1e-12) in float32.
        let length = Swift.max(Float(sum.squareRoot()), 1e-12)
        for index in vector.indices { vector[index] /= length }
    }
}
