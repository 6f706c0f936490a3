import CZlib
import HTTPWire

/// Gzip of responses: whether, and how.
enum Compression {
    /// Compresses `bytes` as one gzip member; nil when that is no gain, or there is no memory.
    ///
    /// Level 1: vectors in text are near random, so more effort buys nothing but time.
    static func gzip(_ bytes: [UInt8], level: Int32 = 1) -> [UInt8]? {
        var stream = z_stream()
        let status = deflateInit2_(
            &stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK, let count = UInt32(exactly: bytes.count) else { return nil }
        defer { deflateEnd(&stream) }

        // One byte less than the original: what does not fit was not worth it.
        var output = [UInt8](repeating: 0, count: max(bytes.count - 1, 0))
        // SAFETY: zlib reads and writes inside the lengths given; no pointer leaves the closures.
        let isComplete = bytes.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = count
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
        }
        guard isComplete else { return nil }
        output.removeLast(output.count - Int(stream.total_out))
        return output
    }

    /// Whether a response of this kind is compressed for clients that accept it.
    static func isEligible(_ response: Response, bytesMinimum: Int?) -> Bool {
        guard let bytesMinimum else { return false }
        return response.body.count >= bytesMinimum && !response.status.forbidsContent
            && !response.fields.contains("content-encoding")
    }
}
