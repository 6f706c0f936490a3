import CKernels

/// A matrix of a caller's memory: `rows` rows that start `stride` elements apart.
package struct Rows<Element: BitwiseCopyable> {
    package let base: UnsafeMutablePointer<Element>
    package let count: Int
    package let stride: Int

    package init(_ base: UnsafeMutablePointer<Element>, count: Int, stride: Int) {
        precondition(count >= 0 && stride >= 0)
        self.base = base
        self.count = count
        self.stride = stride
    }

    /// The `count` rows from `first` on.
    package func rows(from first: Int, count: Int) -> Rows {
        precondition(first >= 0 && count >= 0 && first + count <= self.count)
        return Rows(base + first * stride, count: count, stride: stride)
    }

    /// The rows of `range`.
    package func rows(in range: Range<Int>) -> Rows {
        rows(from: range.lowerBound, count: range.count)
    }

    /// Moves the rows of the numbers in `sources`, which ascend, to the first rows.
    package func gather(_ sources: [Int]) {
        for (target, source) in sources.enumerated() where target != source {
            precondition(source > target && source < count)
            (base + target * stride).update(from: base + source * stride, count: stride)
        }
    }

    /// The same rows, beginning `columns` elements later.
    package func columns(from columns: Int) -> Rows {
        precondition(columns >= 0 && columns <= stride)
        return Rows(base + columns, count: count, stride: stride)
    }
}

/// Rows quantized to eight bits: the numbers and each row's scale and zero point.
package struct QuantizedRows {
    package let values: Rows<UInt8>
    package let scales: UnsafeMutablePointer<Float>
    package let zeros: UnsafeMutablePointer<Int32>

    package init(
        values: Rows<UInt8>, scales: UnsafeMutablePointer<Float>,
        zeros: UnsafeMutablePointer<Int32>
    ) {
        self.values = values
        self.scales = scales
        self.zeros = zeros
    }

    /// The rows of `range`.
    package func rows(in range: Range<Int>) -> QuantizedRows {
        QuantizedRows(
            values: values.rows(in: range), scales: scales + range.lowerBound,
            zeros: zeros + range.lowerBound)
    }
}

/// What a linear layer reads; which one follows from the type of its weights.
package enum LinearInput {
    case float32(Rows<Float>)
    case bfloat16(Rows<UInt16>)
    case int8(QuantizedRows)
}

/// Where a linear layer writes.
package enum LinearOutput {
    case float32(Rows<Float>)
    case bfloat16(Rows<UInt16>)
}

extension Kernels {
    /// `output = activation(input weights^T + bias) + residual`, for the `panels` of the outputs.
    ///
    /// - Precondition: input and output have equally many rows, long enough; the input's type is the
    ///   weights'.
    package func linear(
        _ input: LinearInput, _ weights: PackedWeights, panels: Range<Int>,
        activation: Activation = .identity, residual: Rows<Float>? = nil, to output: LinearOutput
    ) {
        precondition(panels.lowerBound >= 0 && panels.upperBound <= weights.panelCount)
        var operation = ck_linear()
        operation.depth = weights.inputs
        operation.panels = UnsafeRawPointer(weights.panels.bytes.baseAddress)
        operation.panel_first = panels.lowerBound
        operation.panel_count = panels.count
        operation.columns = weights.outputs
        operation.bias = UnsafePointer(weights.bias.elements(of: Float.self))
        operation.activation = activation.code
        let rows = set(output, of: &operation, columns: weights.outputs)
        operation.rows = rows
        if let residual {
            precondition(residual.count == rows && residual.stride >= weights.outputs)
            operation.residual = UnsafePointer(residual.base)
            operation.residual_stride = residual.stride
        }
        switch (input, weights.type) {
        case (.float32(let input), .float32):
            set(input, of: &operation, weights)
            if let openBLAS {
                openBLAS.linear(operation, table)
            } else {
                table.pointee.linear_f32(&operation)
            }
        case (.bfloat16(let input), .bfloat16):
            set(input, of: &operation, weights)
            table.pointee.linear_bf16(&operation)
        case (.int8(let input), .int8):
            set(input.values, of: &operation, weights)
            operation.row_scale = UnsafePointer(input.scales)
            operation.row_zero = UnsafePointer(input.zeros)
            operation.column_scale = weights.columnScale.map {
                UnsafePointer($0.elements(of: Float.self))
            }
            operation.column_sum = weights.columnSum.map {
                UnsafePointer($0.elements(of: Int32.self))
            }
            table.pointee.linear_int8(&operation)
        default:
            preconditionFailure("the input's type is not the weights'")
        }
    }

    private func set(
        _ output: LinearOutput, of operation: inout ck_linear, columns: Int
    ) -> Int {
        switch output {
        case .float32(let rows):
            precondition(rows.stride >= columns)
            operation.out = UnsafeMutableRawPointer(rows.base)
            operation.out_stride = rows.stride
            operation.out_dtype = CK_F32
            return rows.count
        case .bfloat16(let rows):
            precondition(rows.stride >= columns)
            operation.out = UnsafeMutableRawPointer(rows.base)
            operation.out_stride = rows.stride
            operation.out_dtype = CK_BF16
            return rows.count
        }
    }

    private func set<Element>(
        _ input: Rows<Element>, of operation: inout ck_linear, _ weights: PackedWeights
    ) {
        precondition(input.count == operation.rows && input.stride >= weights.paddedInputs)
        operation.a = UnsafeRawPointer(input.base)
        operation.a_stride = input.stride
    }
}
