/// Finds a request's content in the bytes after its head, whatever its framing.
package struct BodyDecoder: Sendable {
    private enum Framing: Sendable {
        case length(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    private var framing: Framing

    /// - Throws: `.contentTooLarge` when the announced length is beyond `contentBytesMaximum`.
    package init(
        framing: BodyFraming, limits: HTTPLimits, contentBytesMaximum: Int
    ) throws(ProtocolFailure) {
        switch framing {
        case .none: self.framing = .length(remaining: 0)
        case .length(let length):
            guard length <= contentBytesMaximum else { throw .contentTooLarge }
            self.framing = .length(remaining: length)
        case .chunked:
            self.framing = .chunked(
                ChunkedDecoder(limits: limits, contentBytesMaximum: contentBytesMaximum))
        }
    }

    /// Reads one piece from the front of `range`, which it shortens.
    package mutating func next(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) -> ChunkedDecoder.Piece {
        switch framing {
        case .length(let remaining):
            guard remaining > 0 else { return .end }
            guard !range.isEmpty else { return .incomplete }
            let count = min(remaining, range.count)
            let content = range.lowerBound..<(range.lowerBound + count)
            range = content.upperBound..<range.upperBound
            framing = .length(remaining: remaining - count)
            return .content(content)
        case .chunked(var decoder):
            // Emptied first, so that the decoder's buffers stay uniquely owned.
            framing = .length(remaining: 0)
            defer { framing = .chunked(decoder) }
            return try decoder.next(input, &range)
        }
    }
}
