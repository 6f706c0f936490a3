import CKernels

/// What is done to the heads of query and key rows before attention.
package struct HeadPreparation {
    package var heads: Int
    package var headSize: Int
    /// A norm over each head; nil for none.
    package var norm: NormWeights?
    /// `[rows, rotaryWidth / 2]`; nil for no rotation.
    package var cosine: UnsafePointer<Float>?
    package var sine: UnsafePointer<Float>?
    /// The columns of a head that rotate, from the first on; even.
    package var rotaryWidth = 0
    /// Whether pairs are neighbours, and not half the width apart.
    package var isInterleaved = false

    package init(heads: Int, headSize: Int, norm: NormWeights?) {
        self.heads = heads
        self.headSize = headSize
        self.norm = norm
    }

    /// The greatest `headSize`.
    package static let headSizeMaximum = Int(CK_HEAD_MAXIMUM)
}

extension Kernels {
    /// Normalises and rotates heads, in place; the first begins at the rows' first column.
    package func prepareHeads(_ rows: Rows<Float>, _ preparation: HeadPreparation) {
        prepare(UnsafeMutableRawPointer(rows.base), CK_F32, rows.count, rows.stride, preparation)
    }

    /// The same on bfloat16 numbers, with one rounding.
    package func prepareHeads(_ rows: Rows<UInt16>, _ preparation: HeadPreparation) {
        prepare(UnsafeMutableRawPointer(rows.base), CK_BF16, rows.count, rows.stride, preparation)
    }

    private func prepare(
        _ base: UnsafeMutableRawPointer, _ type: ck_dtype, _ count: Int, _ stride: Int,
        _ preparation: HeadPreparation
    ) {
        let size = preparation.headSize
        let norm = preparation.norm
        precondition(size > 0 && size <= HeadPreparation.headSizeMaximum)
        precondition(stride >= preparation.heads * size)
        precondition(norm == nil || norm?.gain.count == size)
        precondition(preparation.rotaryWidth % 2 == 0 && preparation.rotaryWidth <= size)
        precondition((preparation.cosine == nil) == (preparation.sine == nil))
        (norm?.gain ?? []).withUnsafeBufferPointer { gain in
            (norm?.shift ?? []).withUnsafeBufferPointer { shift in
                var operation = ck_heads()
                operation.x = base
                operation.dtype = type
                operation.stride = stride
                operation.rows = count
                operation.heads = preparation.heads
                operation.head_size = size
                operation.gain = norm == nil ? nil : gain.baseAddress
                operation.shift = shift.isEmpty ? nil : shift.baseAddress
                operation.is_centred = norm?.kind == .layer ? 1 : 0
                operation.epsilon = norm?.epsilon ?? 0
                operation.cosine = preparation.cosine
                operation.sine = preparation.sine
                operation.rotary = preparation.rotaryWidth
                operation.is_interleaved = preparation.isInterleaved ? 1 : 0
                table.pointee.heads(&operation)
            }
        }
    }

    /// `activation(gate) * up`, in place over the first `columns` of rows that hold both halves.
    package func gate(
        _ rows: Rows<Float>, columns: Int, isUpFirst: Bool, _ activation: Activation
    ) {
        gate(
            UnsafeMutableRawPointer(rows.base), CK_F32, rows.count, rows.stride,
            Halves(columns: columns, isUpFirst: isUpFirst), activation)
    }

    /// The same on bfloat16 numbers.
    package func gate(
        _ rows: Rows<UInt16>, columns: Int, isUpFirst: Bool, _ activation: Activation
    ) {
        gate(
            UnsafeMutableRawPointer(rows.base), CK_BF16, rows.count, rows.stride,
            Halves(columns: columns, isUpFirst: isUpFirst), activation)
    }

    private struct Halves {
        let columns: Int
        let isUpFirst: Bool
    }

    private func gate(
        _ base: UnsafeMutableRawPointer, _ type: ck_dtype, _ count: Int, _ stride: Int,
        _ halves: Halves, _ activation: Activation
    ) {
        precondition(halves.columns > 0 && stride >= 2 * halves.columns)
        var operation = ck_gating()
        operation.x = base
        operation.dtype = type
        operation.stride = stride
        operation.rows = count
        operation.columns = halves.columns
        operation.gate = halves.isUpFirst ? halves.columns : 0
        operation.up = halves.isUpFirst ? 0 : halves.columns
        operation.activation = activation.code
        table.pointee.gate(&operation)
    }
}
