import CKernels

/// Writes float32 numbers as JSON text: the fewest digits that read back as the same number.
///
/// Of several such digits those nearest to the number; then the shorter of `0.00125` and `1.25e-3`,
/// the former when they are equal, and whole numbers without `.0`. What is no number becomes `null`.
package enum FloatText {
    /// Bytes a number may need in the output, the comma included.
    package static let bytesMaximum = Int(CK_FORMAT_F32_BYTES)

    /// Appends `values` with commas between them and none around.
    ///
    /// - Precondition: `text` has room for ``bytesMaximum`` bytes a value, used or not.
    package static func append(_ values: Span<Float>, to text: inout OutputSpan<UInt8>) {
        precondition(values.count <= text.freeCapacity / bytesMaximum, "no room for the numbers")
        // SAFETY: the numbers' text and what is written beyond it end within the checked room.
        values.withUnsafeBufferPointer { source in
            text.withUnsafeMutableBufferPointer { buffer, count in
                guard let values = source.baseAddress, let start = buffer.baseAddress else {
                    return
                }
                count += ck_format_f32_array(values, source.count, start + count)
            }
        }
    }
}
