import CZlib
import HTTPWire

/// Undoes gzip (RFC 1952) or deflate (RFC 1950) piece by piece, bounded in size and in ratio.
///
/// Exactly one member is accepted, with the right check sum and length and nothing after it.
final class Inflater {
    /// Up to here no ratio is asked for: small texts may compress as well as they like.
    private static let ratioFreeBytes = 1 << 20
    private static let outputStep = 64 << 10

    private var stream = z_stream()
    private var hasEnded = false
    private var inputBytes = 0
    private let outputBytesMaximum: Int
    private let ratioMaximum: Int

    init(coding: ContentCoding, outputBytesMaximum: Int, ratioMaximum: Int) {
        self.outputBytesMaximum = outputBytesMaximum
        self.ratioMaximum = ratioMaximum
        // 15 bits of window; 16 more select the gzip format.
        let windowBits: Int32 = coding == .gzip ? 31 : 15
        let status = inflateInit2_(
            &stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory: then every use fails as undecodable.
        hasEnded = status != Z_OK
    }

    deinit {
        inflateEnd(&stream)
    }

    /// Inflates `input[range]` onto the end of `output`.
    func inflate(
        _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
    ) throws(ProtocolFailure) {
        guard !range.isEmpty else { return }
        guard !hasEnded else { throw .malformed(.contentCoding) }
        inputBytes += range.count
        var offset = range.lowerBound
        while offset < range.upperBound || stream.avail_out == 0 {
            let filled = output.count
            output.append(contentsOf: repeatElement(0, count: Self.outputStep))
            let (status, consumed, produced) = step(
                input, offset..<range.upperBound, &output, from: filled)
            output.removeLast(Self.outputStep - produced)
            offset += consumed
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                throw .malformed(.contentCoding)
            }
            try checkBounds(output.count)
            if status == Z_STREAM_END {
                hasEnded = true
                guard offset == range.upperBound else { throw .malformed(.contentCoding) }
                return
            }
            if status == Z_BUF_ERROR { return }
        }
    }

    /// The input has ended: fails unless it was whole.
    func finish() throws(ProtocolFailure) {
        guard hasEnded, inputBytes > 0 else { throw .malformed(.contentCoding) }
    }

    private func checkBounds(_ outputBytes: Int) throws(ProtocolFailure) {
        guard outputBytes <= outputBytesMaximum else { throw .contentTooLarge }
        guard outputBytes <= Self.ratioFreeBytes || outputBytes / ratioMaximum <= inputBytes else {
            throw .contentTooLarge
        }
    }

    private func step(
        _ input: [UInt8], _ range: Range<Int>, _ output: inout [UInt8], from filled: Int
    ) -> (status: Int32, consumed: Int, produced: Int) {
        // SAFETY: zlib reads and writes inside the lengths given, and keeps no pointer into either
        // buffer that it uses before the next call sets new ones.
        input.withUnsafeBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress.map { $0 + range.lowerBound })
                stream.avail_in = UInt32(range.count)
                stream.next_out = target.baseAddress.map { $0 + filled }
                stream.avail_out = UInt32(target.count - filled)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (
                    status, range.count - Int(stream.avail_in),
                    target.count - filled - Int(stream.avail_out)
                )
            }
        }
    }
}
