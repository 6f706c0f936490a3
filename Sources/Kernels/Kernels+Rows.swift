import CKernels

/// By what a norm divides.
package enum NormKind: Sendable {
    /// The standard deviation, after the mean is taken away (Ba et al., 2016).
    case layer
    /// The root of the mean of squares (Zhang and Sennrich, 2019); there is no shift.
    case rms
}

/// The gain, shift and epsilon of a norm over rows of `gain.count` numbers.
package struct NormWeights: Sendable {
    package let kind: NormKind
    package let gain: [Float]
    /// Nil when the norm has none.
    package let shift: [Float]?
    package let epsilon: Float

    package init(kind: NormKind = .layer, gain: [Float], shift: [Float]?, epsilon: Float) {
        precondition(shift == nil || (shift?.count == gain.count && kind == .layer))
        self.kind = kind
        self.gain = gain
        self.shift = shift
        self.epsilon = epsilon
    }
}

/// Token ids and positions to sum embeddings for; all arrays are one number a token.
package struct EmbeddingRequest {
    package var tokenIDs: UnsafePointer<Int32>
    package var positions: UnsafePointer<Int32>?
    /// Nil for row 0 of the type table.
    package var types: UnsafePointer<Int32>?
    package var count: Int

    package init(
        tokenIDs: UnsafePointer<Int32>, positions: UnsafePointer<Int32>?,
        types: UnsafePointer<Int32>?, count: Int
    ) {
        self.tokenIDs = tokenIDs
        self.positions = positions
        self.types = types
        self.count = count
    }
}

extension Kernels {
    /// `(rows - mean) / sqrt(variance + epsilon) * gain + shift`, in place, with a bfloat16 copy.
    package func layerNorm(_ rows: Rows<Float>, _ norm: NormWeights, copy: Rows<UInt16>? = nil) {
        self.norm(rows, norm, to: rows, copy: copy)
    }

    /// The norm of each row, plus a residual (norms by the mean of squares alone), with a bfloat16 copy.
    package func norm(
        _ rows: Rows<Float>, _ norm: NormWeights, adding residual: Rows<Float>? = nil,
        to output: Rows<Float>, copy: Rows<UInt16>? = nil
    ) {
        precondition(rows.stride >= norm.gain.count && output.stride >= norm.gain.count)
        precondition(output.count == rows.count)
        norm.gain.withUnsafeBufferPointer { gain in
            (norm.shift ?? []).withUnsafeBufferPointer { shift in
                var operation = ck_norm()
                operation.x = UnsafePointer(rows.base)
                operation.x_stride = rows.stride
                operation.rows = rows.count
                operation.columns = gain.count
                operation.gain = gain.baseAddress
                operation.shift = shift.isEmpty ? nil : shift.baseAddress
                operation.epsilon = norm.epsilon
                operation.out = output.base
                operation.out_stride = output.stride
                if let residual {
                    precondition(norm.kind == .rms && residual.count == rows.count)
                    precondition(residual.stride >= gain.count)
                    operation.residual = UnsafePointer(residual.base)
                    operation.residual_stride = residual.stride
                }
                if let copy {
                    precondition(copy.count == rows.count && copy.stride >= gain.count)
                    operation.out_bf16 = copy.base
                    operation.out_bf16_stride = copy.stride
                }
                switch norm.kind {
                case .layer: table.pointee.layer_norm(&operation)
                case .rms: table.pointee.rms_norm(&operation)
                }
            }
        }
    }

    /// Rows of `columns` numbers to eight bits, each row with a scale and zero point of its own.
    package func quantize(
        _ rows: Rows<Float>, columns: Int, inverseSmooth: [Float]?, to output: QuantizedRows
    ) {
        quantize(
            UnsafeRawPointer(rows.base), CK_F32, rows.count, rows.stride, columns, inverseSmooth,
            output)
    }

    /// The same from bfloat16.
    package func quantize(
        _ rows: Rows<UInt16>, columns: Int, inverseSmooth: [Float]?, to output: QuantizedRows
    ) {
        quantize(
            UnsafeRawPointer(rows.base), CK_BF16, rows.count, rows.stride, columns, inverseSmooth,
            output)
    }

    private func quantize(
        _ base: UnsafeRawPointer, _ type: ck_dtype, _ count: Int, _ stride: Int, _ columns: Int,
        _ inverseSmooth: [Float]?, _ output: QuantizedRows
    ) {
        precondition(stride >= columns && output.values.count == count)
        precondition(output.values.stride >= (columns + 3) & ~3)
        precondition(inverseSmooth == nil || inverseSmooth?.count == columns)
        (inverseSmooth ?? []).withUnsafeBufferPointer { smooth in
            var operation = ck_quantize()
            operation.x = base
            operation.x_dtype = type
            operation.x_stride = stride
            operation.rows = count
            operation.columns = columns
            operation.inverse_smooth = smooth.isEmpty ? nil : smooth.baseAddress
            operation.out = output.values.base
            operation.out_stride = output.values.stride
            operation.scale = output.scales
            operation.zero = output.zeros
            table.pointee.quantize(&operation)
        }
    }

    /// `output[t] = word[id[t]] + type[t] + position[t]`.
    ///
    /// - Precondition: every id, position and type is a row of its table.
    package func embed(
        _ request: EmbeddingRequest, word: StoredMatrix, position: [Float]?, type: [Float]?,
        to output: Rows<Float>
    ) {
        precondition(output.count == request.count && output.stride >= word.columns)
        precondition(position == nil || request.positions != nil)
        for token in 0..<request.count {
            let id = Int(request.tokenIDs[token])
            precondition(id >= 0 && id < word.rows, "token id out of the vocabulary")
        }
        (position ?? []).withUnsafeBufferPointer { position in
            (type ?? []).withUnsafeBufferPointer { type in
                var operation = ck_embedding()
                operation.ids = request.tokenIDs
                operation.positions = request.positions
                operation.types = request.types
                operation.tokens = request.count
                operation.columns = word.columns
                operation.word = word.base
                operation.word_dtype = word.type.code
                operation.position = position.isEmpty ? nil : position.baseAddress
                operation.type = type.isEmpty ? nil : type.baseAddress
                operation.out = output.base
                operation.out_stride = output.stride
                ck_embed(&operation)
            }
        }
    }

    /// `count` numbers rounded to bfloat16.
    package func narrow(
        _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<UInt16>, count: Int
    ) {
        table.pointee.narrow(source, target, count)
    }

    /// Rows of `columns` numbers rounded to bfloat16.
    package func narrow(_ rows: Rows<Float>, columns: Int, to copy: Rows<UInt16>) {
        precondition(copy.count == rows.count && copy.stride >= columns)
        precondition(rows.stride >= columns)
        for row in 0..<rows.count {
            narrow(
                rows.base + row * rows.stride, to: copy.base + row * copy.stride, count: columns)
        }
    }

    /// The activation of `count` numbers, in place.
    package func activate(
        _ values: UnsafeMutablePointer<Float>, count: Int, _ activation: Activation
    ) {
        table.pointee.activate(values, count, activation.code)
    }
}
