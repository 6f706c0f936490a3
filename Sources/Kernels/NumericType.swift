/// The numbers that an encoder's matrix products are done in.
package enum NumericType: String, CaseIterable, Sendable {
    /// Exact: every product and sum in float32.
    case float32
    /// Weights and activations rounded to bfloat16, sums in float32.
    case bfloat16
    /// Weights per output channel and activations per token in 8 bits, sums in 32-bit integers.
    case int8
}
