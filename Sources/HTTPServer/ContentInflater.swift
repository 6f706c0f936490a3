// Undoes a request's content coding as its bytes arrive. Knows zlib, and nothing of HTTP's framing.

import CZlib
import HTTPWire

/// Why content could not be inflated.
package enum InflationFailure: Error, CaseIterable, Hashable, Sendable {
    /// Not what the coding says: header, blocks, checksum, length, or bytes after the end.
    case malformed
    /// The content ended before the coding did.
    case truncated
    /// More inflated bytes than the bound, or than the ratio allows.
    case tooLarge
    /// No memory for the state.
    case outOfMemory

    /// What the client is told.
    package var protocolFailure: ProtocolFailure {
        switch self {
        case .malformed, .truncated: .malformed(.contentCoding)
        case .tooLarge: .contentTooLarge
        case .outOfMemory: .overloaded
        }
    }
}

/// Inflates the content of one request, slice by slice.
///
/// Takes gzip (RFC 1952: one member, its checksum and length verified) and deflate (the zlib format of RFC 1950, as RFC 9110 §8.4.1.2 defines it). Nothing may follow the
/// end: a second member is refused, since not every reader joins members and two that differ see
/// different content. The state costs about 40 KiB until it is released.
///
/// - Thread: one at a time.
package final class ContentInflater {
    /// Output is not held to the ratio before it has this size.
    package static let ratioFreeBytes = 1 << 20
    /// The most that one step inflates; also the most by which a bound is overrun in memory.
    package static let stepBytes = 16 << 10

    /// Content bytes taken so far.
    package private(set) var receivedBytes = 0
    /// Bytes given out so far.
    package private(set) var inflatedBytes = 0

    private enum State {
        case beforeMember
        case inMember
        case afterEnd
        case failed(InflationFailure)
    }

    private let bytesMaximum: Int
    private let ratioMaximum: Int
    /// Lies still: zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var state = State.beforeMember

    /// An inflater for `coding`; nil when that is `identity`, which has nothing to undo.
    ///
    /// - Parameters:
    ///   - bytesMaximum: The most inflated bytes.
    ///   - ratioMaximum: The most inflated bytes per content byte, beyond ``ratioFreeBytes``.
    package init?(_ coding: ContentCoding, bytesMaximum: Int, ratioMaximum: Int) {
        // 15 asks for the largest window (32 KiB) and the zlib format, 16 more for gzip alone.
        let windowBits: Int32
        switch coding {
        case .identity: return nil
        case .gzip: windowBits = 15 + 16
        case .deflate: windowBits = 15
        }
        self.bytesMaximum = bytesMaximum
        self.ratioMaximum = ratioMaximum
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        if czlib_inflate_init(stream, windowBits) != Z_OK { state = .failed(.outOfMemory) }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Inflates all of `bytes` and appends what comes out to `content`.
    ///
    /// After a failure every further call fails the same way; `content` then holds at most
    /// ``stepBytes`` more than the bound.
    package func inflate(
        _ bytes: Span<UInt8>, into content: inout [UInt8]
    ) throws(InflationFailure) {
        if case .failed(let failure) = state { throw failure }
        var start = 0
        while start < bytes.count {
            // zlib counts in 32 bits.
            let end = min(bytes.count, start + Int(Int32.max))
            let part = bytes.extracting(start..<end)
            do throws(InflationFailure) {
                try part.withUnsafeBufferPointer { (part) throws(InflationFailure) in
                    try inflate(part, into: &content)
                }
            } catch {
                state = .failed(error)
                throw error
            }
            start = end
        }
    }

    /// Tells that no more content comes.
    ///
    /// - Throws: `truncated` when the coding has not ended, so also when there was no content.
    package func finish() throws(InflationFailure) {
        switch state {
        case .failed(let failure): throw failure
        case .beforeMember, .inMember: throw .truncated
        case .afterEnd: return
        }
    }

    private func inflate(
        _ part: UnsafeBufferPointer<UInt8>, into content: inout [UInt8]
    ) throws(InflationFailure) {
        // SAFETY: zlib reads `part` only within this call: `next_in` is cleared before it returns.
        // zlib's field is not const, but inflate does not write to its input.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: part.baseAddress)
        stream.pointee.avail_in = uInt(part.count)
        defer {
            stream.pointee.next_in = nil
            stream.pointee.avail_in = 0
        }
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.stepBytes) {
            (output) throws(InflationFailure) in
            // A step that fills the output may leave more in zlib's window, even without input.
            var hasMore = true
            while stream.pointee.avail_in > 0 || hasMore {
                hasMore = try step(through: output, into: &content)
            }
        }
    }

    /// Inflates at most one `output` full and returns whether it was filled.
    private func step(
        through output: UnsafeMutableBufferPointer<UInt8>, into content: inout [UInt8]
    ) throws(InflationFailure) -> Bool {
        switch state {
        case .beforeMember:
            guard stream.pointee.avail_in > 0 else { return false }
            state = .inMember
        case .inMember: break
        case .afterEnd:
            guard stream.pointee.avail_in == 0 else { throw .malformed }
            return false
        case .failed(let failure): throw failure
        }
        let available = stream.pointee.avail_in
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = uInt(output.count)
        let result = CZlib.inflate(stream, Z_NO_FLUSH)
        let count = output.count - Int(stream.pointee.avail_out)
        receivedBytes += Int(available - stream.pointee.avail_in)
        inflatedBytes += count
        content.append(contentsOf: output[..<count])
        try checkBounds()
        switch result {
        case Z_OK: return count == output.count
        // Nothing could be done: all input is taken and the output is empty.
        case Z_BUF_ERROR where stream.pointee.avail_in == 0: return false
        case Z_STREAM_END:
            state = .afterEnd
            return false
        case Z_MEM_ERROR: throw .outOfMemory
        // Z_DATA_ERROR, and Z_NEED_DICT: no preset dictionary is agreed on (RFC 1950 §2.2).
        default: throw .malformed
        }
    }

    private func checkBounds() throws(InflationFailure) {
        guard inflatedBytes <= bytesMaximum else { throw .tooLarge }
        let (allowed, overflows) = receivedBytes.multipliedReportingOverflow(by: ratioMaximum)
        guard overflows || inflatedBytes <= max(Self.ratioFreeBytes, allowed) else {
            throw .tooLarge
        }
    }
}
