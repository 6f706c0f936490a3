import JSON
import Kernels

/// What ``JSONWriter/array(_:)`` and ``JSONWriter/base64(_:)`` write, by the fast kernels.
///
/// Numbers may be spelled differently (`1` for `1.0`, `1e-5` for `1e-05`), never with more bytes,
/// and read back as the same float32.
extension JSONWriter {
    /// Appends numbers in brackets, each as the shortest text that reads back as the same float32.
    package mutating func vector(_ values: ArraySlice<Float>) {
        append(upTo: values.count * FloatText.bytesMaximum + 2) { text in
            text.append(UInt8(ascii: "["))
            FloatText.append(values.span, to: &text)
            text.append(UInt8(ascii: "]"))
        }
    }

    /// Appends numbers as a string: base64 of their little-endian float32 bytes.
    package mutating func base64Vector(_ values: ArraySlice<Float>) {
        append(upTo: Base64.bytes(forFloats: values.count) + 2) { text in
            text.append(UInt8(ascii: "\""))
            Base64.append(values.span, to: &text)
            text.append(UInt8(ascii: "\""))
        }
    }
}
