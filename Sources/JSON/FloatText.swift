/// Writes float32 numbers as the shortest decimal text that reads back as the same number.
enum FloatFormatter {
    /// Appends `values`, with commas between them.
    static func append(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        var isFirst = true
        for value in values {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.append(contentsOf: value.description.utf8)
        }
    }
}

/// RFC 4648 base64 with padding, of little-endian float32 numbers.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Appends the base64 text of the numbers' bytes.
    static func append(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        var group: UInt32 = 0
        var filled = 0
        func digit(_ shift: UInt32) -> UInt8 { alphabet[Int(group >> shift & 63)] }
        for value in values {
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                group = group << 8 | (value.bitPattern >> shift & 255)
                filled += 1
                if filled == 3 {
                    for digitShift: UInt32 in [18, 12, 6, 0] { bytes.append(digit(digitShift)) }
                    group = 0
                    filled = 0
                }
            }
        }
        guard filled > 0 else { return }
        group <<= UInt32(8 * (3 - filled))
        bytes.append(digit(18))
        bytes.append(digit(12))
        bytes.append(filled == 2 ? digit(6) : UInt8(ascii: "="))
        bytes.append(UInt8(ascii: "="))
    }
}
