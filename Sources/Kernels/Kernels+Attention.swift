import CKernels

/// The keys that a query takes: from `behind` before it to `ahead` after it.
package struct AttentionWindow: Equatable, Sendable {
    /// Nil for all.
    package var behind: Int?
    /// Nil for all; 0 for causal attention.
    package var ahead: Int?

    package init(behind: Int?, ahead: Int?) {
        precondition((behind ?? 0) >= 0 && (ahead ?? 0) >= 0)
        self.behind = behind
        self.ahead = ahead
    }
}

/// The shape of one head of one sequence's attention.
package struct AttentionShape {
    /// Query rows to compute, from the first on: all, or 1 when only the first token is wanted.
    package var queries: Int
    package var keys: Int
    package var headSize: Int
    /// What scores are multiplied by before the softmax; above zero.
    package var scale: Float
    /// What key k adds to the score of query q, before the scale, is `bias[q * biasStride + k]`; nil for
    /// nothing.
    package var bias: UnsafePointer<Float>?
    /// -1 for a bias that depends on `k - q` alone.
    package var biasStride = -1
    /// Which keys a query takes; nil for all.
    package var window: AttentionWindow?
    /// Keys that are taken at once, a multiple of 64; nil for as many as `keys` and `window` make good.
    package var keyBlock: Int?

    package init(queries: Int, keys: Int, headSize: Int, scale: Float) {
        self.queries = queries
        self.keys = keys
        self.headSize = headSize
        self.scale = scale
    }

    /// The keys of one block where they are taken by blocks: of 64 columns with their values 256 KiB in
    /// float32, which the second cache holds.
    package static let blockKeys = 512
    /// The most keys of one query that are taken at once.
    package static let wholeKeysMaximum = 2_048

    /// The keys of one block; 0 for all at once.
    ///
    /// It depends on the text's length and the window alone, never on the batch.
    var keysAtOnce: Int {
        if let keyBlock { return keyBlock }
        var reach = keys
        if let window, let behind = window.behind, let ahead = window.ahead {
            reach = min(keys, behind + ahead + 1)
        }
        return reach > Self.wholeKeysMaximum ? Self.blockKeys : 0
    }

    /// The bytes of scratch that one head needs, a multiple of 64.
    package var scratchByteCount: Int { (ck_attention_scratch(keys, headSize) + 63) & ~63 }
}

extension Kernels {
    /// `output = softmax(scale (query key^T + bias)) value` of one head; all rows start at the head's column.
    package func attention(
        query: Rows<Float>, key: Rows<Float>, value: Rows<Float>, _ shape: AttentionShape,
        scratch: UnsafeMutableRawPointer, to output: Rows<Float>
    ) {
        var operation = operation(query, key, value, shape, scratch)
        precondition(output.count >= shape.queries)
        operation.out = UnsafeMutableRawPointer(output.base)
        operation.out_stride = output.stride
        operation.out_dtype = CK_F32
        table.pointee.attention_f32(&operation)
    }

    /// The same on bfloat16 numbers; softmax and sums are in float32.
    package func attention(
        query: Rows<UInt16>, key: Rows<UInt16>, value: Rows<UInt16>, _ shape: AttentionShape,
        scratch: UnsafeMutableRawPointer, to output: Rows<UInt16>
    ) {
        var operation = operation(query, key, value, shape, scratch)
        precondition(output.count >= shape.queries)
        operation.out = UnsafeMutableRawPointer(output.base)
        operation.out_stride = output.stride
        operation.out_dtype = CK_BF16
        table.pointee.attention_bf16(&operation)
    }

    private func operation<Element>(
        _ query: Rows<Element>, _ key: Rows<Element>, _ value: Rows<Element>,
        _ shape: AttentionShape, _ scratch: UnsafeMutableRawPointer
    ) -> ck_attention {
        precondition(query.count >= shape.queries && shape.queries > 0 && shape.scale > 0)
        precondition(key.count == shape.keys && value.count == shape.keys && shape.keys > 0)
        precondition(query.stride == key.stride && key.stride == value.stride)
        precondition(shape.headSize > 0 && shape.headSize <= query.stride)
        var operation = ck_attention()
        operation.q = UnsafeRawPointer(query.base)
        operation.k = UnsafeRawPointer(key.base)
        operation.v = UnsafeRawPointer(value.base)
        operation.stride = query.stride
        operation.queries = shape.queries
        operation.keys = shape.keys
        operation.head_size = shape.headSize
        operation.scale = shape.scale
        operation.bias = shape.bias
        operation.bias_stride = shape.biasStride
        if let window = shape.window {
            precondition(shape.queries <= shape.keys)
            operation.has_window = 1
            operation.behind = window.behind ?? .max
            operation.ahead = window.ahead ?? .max
        }
        let keysAtOnce = shape.keysAtOnce
        precondition(keysAtOnce % Int(CK_PANEL) == 0 && keysAtOnce >= 0)
        operation.key_block = keysAtOnce
        operation.scratch = scratch
        return operation
    }
}
