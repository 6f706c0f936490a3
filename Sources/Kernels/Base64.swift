import CKernels

/// Base64 (RFC 4648 §4: padded, no line breaks) of numbers as little-endian float32.
package enum Base64 {
    /// Characters that `count` float32 numbers become.
    package static func bytes(forFloats count: Int) -> Int {
        (count * MemoryLayout<Float>.size + 2) / 3 * 4
    }

    /// Appends the text of the numbers' bytes.
    ///
    /// - Precondition: `text` has room for ``bytes(forFloats:)``.
    package static func append(_ values: Span<Float>, to text: inout OutputSpan<UInt8>) {
        precondition(bytes(forFloats: values.count) <= text.freeCapacity, "no room for the text")
        // SAFETY: the encoder reads the values' bytes, and writes exactly the bytes checked above.
        values.bytes.withUnsafeBytes { source in
            text.withUnsafeMutableBufferPointer { buffer, count in
                guard let start = buffer.baseAddress, source.count > 0 else { return }
                count += ck_base64_encode(source.baseAddress, source.count, start + count)
            }
        }
    }
}
