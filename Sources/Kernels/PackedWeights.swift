import CKernels

/// A linear layer's weights in panels of 64 output columns, as the kernels read them, and its bias.
///
/// Several matrices with the same number of inputs may be stacked into one (query, key and value
/// become one product).
package final class PackedWeights: @unchecked Sendable {
    /// Safe to share: written once, by `pack` at load, and only read after.
    let panels: AlignedBuffer
    let bias: AlignedBuffer
    let columnScale: AlignedBuffer?
    let columnSum: AlignedBuffer?
    /// The numbers that the panels hold.
    package let type: NumericType
    /// The length of an input row.
    package let inputs: Int
    /// The length of an output row.
    package let outputs: Int

    /// The number of panels: `outputs / 64`, rounded up.
    package var panelCount: Int { (outputs + 63) / 64 }

    /// The inputs rounded up to what one step of the product reads.
    package var paddedInputs: Int { Self.padded(inputs, for: type) }

    package static func padded(_ inputs: Int, for type: NumericType) -> Int {
        switch type {
        case .float32: inputs
        case .bfloat16: (inputs + 1) & ~1
        case .int8: (inputs + 3) & ~3
        }
    }

    /// The bytes of the panels, scales and bias.
    package var byteCount: Int {
        panels.bytes.count + bias.bytes.count + (columnScale?.bytes.count ?? 0)
            + (columnSum?.bytes.count ?? 0)
    }

    /// Packs `parts` (each `[outputs, inputs]`) one below the other; `biases` are nil for zeros.
    ///
    /// `smooth` (int8 only) multiplies the weights of each input, whose activations are divided by it.
    ///
    /// - Parameter isLasting: false for weights that others take the place of while the model is loaded.
    /// - Precondition: the parts have equally many columns, a bias as many values as its part has
    ///   rows, and all parts but the last a multiple of 64 rows (or there is one part).
    package init(
        _ parts: [StoredMatrix], biases: [[Float]?], as type: NumericType, smooth: [Float]? = nil,
        isLasting: Bool = true, crew: Crew = Crew(nil)
    ) {
        let inputs = parts[0].columns
        let outputs = parts.reduce(0) { $0 + $1.rows }
        precondition(parts.allSatisfy { $0.columns == inputs } && biases.count == parts.count)
        precondition(smooth == nil || smooth?.count == inputs)
        self.type = type
        self.inputs = inputs
        self.outputs = outputs
        let panelCount = (outputs + 63) / 64
        let width = type == .float32 ? 4 : type == .bfloat16 ? 2 : 1
        func reserve(_ byteCount: Int) -> AlignedBuffer {
            AlignedBuffer(byteCount: byteCount, isLasting: isLasting)
        }
        panels = reserve(panelCount * 64 * Self.padded(inputs, for: type) * width)
        bias = reserve(panelCount * 64 * 4)
        columnScale = type == .int8 ? reserve(panelCount * 64 * 4) : nil
        columnSum = type == .int8 ? reserve(panelCount * 64 * 4) : nil

        let values = bias.elements(of: Float.self)
        values.update(repeating: 0, count: panelCount * 64)
        var row = 0
        for (part, partBias) in zip(parts, biases) {
            precondition(partBias == nil || partBias?.count == part.rows)
            for (index, value) in (partBias ?? []).enumerated() { values[row + index] = value }
            row += part.rows
        }
        if parts.count == 1 || parts.dropLast().allSatisfy({ $0.rows % 64 == 0 }) {
            var firstPanel = 0
            for part in parts {
                pack(part, firstPanel: firstPanel, smooth: smooth, crew)
                firstPanel += (part.rows + 63) / 64
            }
        } else {
            // A part that ends within a panel: widen all into one matrix first.
            let joined = parts.flatMap { $0.floats() }
            joined.withUnsafeBytes {
                pack(
                    StoredMatrix(type: .float32, rows: outputs, columns: inputs, bytes: $0),
                    firstPanel: 0, smooth: smooth, crew)
            }
        }
    }

    private func pack(_ part: StoredMatrix, firstPanel: Int, smooth: [Float]?, _ crew: Crew) {
        let stride = 64 * paddedInputs * (type == .float32 ? 4 : type == .bfloat16 ? 2 : 1)
        (smooth ?? []).withUnsafeBufferPointer { smooth in
            var packing = ck_packing()
            packing.weights = part.base
            packing.dtype = part.type.code
            packing.outputs = part.rows
            packing.depth = inputs
            packing.smooth = smooth.isEmpty ? nil : smooth.baseAddress
            packing.panels = panels.bytes.baseAddress.unsafelyUnwrapped + firstPanel * stride
            packing.column_scale = columnScale.map { $0.elements(of: Float.self) + firstPanel * 64 }
            packing.column_sum = columnSum.map { $0.elements(of: Int32.self) + firstPanel * 64 }
            crew.split { share in
                var packing = packing
                let panels = share.share(of: (part.rows + 63) / 64)
                packing.panel_first = panels.lowerBound
                packing.panel_count = panels.count
                switch type {
                case .float32: ck_pack_f32(&packing)
                case .bfloat16: ck_pack_bf16(&packing)
                case .int8: ck_pack_int8(&packing)
                }
            }
        }
    }
}
