/// Undoes the chunked transfer coding, in any pieces (RFC 9112 §7.1).
///
/// Trailer fields are validated and dropped. Each byte of framing is checked: chunk lines are where
/// parsers that disagree let requests be smuggled.
package struct ChunkedDecoder: Sendable {
    /// What the front of the input was.
    package enum Piece: Hashable, Sendable {
        /// All input has been used; more is needed.
        case incomplete
        /// These bytes of the input are content.
        case content(Range<Int>)
        /// The last chunk and the trailer section have ended.
        case end
    }

    private enum State: Sendable {
        case size(digits: Int)
        case beforeExtension
        case extensionNameStart
        case extensionName
        case afterExtensionName
        case extensionValueStart
        case extensionToken
        case extensionQuoted
        case extensionQuotedPair
        case afterExtensionValue
        case sizeLineEnd
        case data(remaining: Int)
        case dataCarriageReturn
        case dataLineFeed
        case trailers
        case ended
    }

    /// 16 digits hold any length there is; more are only an attempt at overflow.
    private static let sizeDigitsMaximum = 16

    private var state = State.size(digits: 0)
    private var size: UInt64 = 0
    private var lineBytes = 0
    private var overheadBytes = 0
    private var contentBytes = 0
    private var trailers: FieldSectionParser
    private let limits: HTTPLimits
    private let contentBytesMaximum: Int

    package init(limits: HTTPLimits = HTTPLimits(), contentBytesMaximum: Int) {
        self.limits = limits
        self.contentBytesMaximum = contentBytesMaximum
        trailers = FieldSectionParser(limits: limits, malformation: .trailer)
    }

    /// Reads one piece from the front of `range`, which it shortens.
    package mutating func next(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) -> Piece {
        while let byte = range.isEmpty ? nil : input[range.lowerBound] {
            switch state {
            case .data(let remaining):
                let count = min(remaining, range.count)
                let content = range.lowerBound..<(range.lowerBound + count)
                range = content.upperBound..<range.upperBound
                state =
                    count == remaining ? .dataCarriageReturn : .data(remaining: remaining - count)
                return .content(content)
            case .trailers:
                guard try trailers.parse(input, &range) else { return .incomplete }
                try checkTrailers()
                state = .ended
                return .end
            case .ended:
                return .end
            case .size, .beforeExtension, .extensionNameStart, .extensionName, .afterExtensionName,
                .extensionValueStart, .extensionToken, .extensionQuoted, .extensionQuotedPair,
                .afterExtensionValue, .sizeLineEnd, .dataCarriageReturn, .dataLineFeed:
                try readFraming(byte)
                range = (range.lowerBound + 1)..<range.upperBound
            }
        }
        if case .ended = state { return .end }
        return .incomplete
    }

    private mutating func readFraming(_ byte: UInt8) throws(ProtocolFailure) {
        lineBytes += 1
        overheadBytes += 1
        guard lineBytes <= limits.chunkLineBytesMaximum else { throw .malformed(.chunk) }
        switch state {
        case .size(let digits):
            if let value = ASCII.hexValue(byte) {
                guard digits < Self.sizeDigitsMaximum else { throw .malformed(.chunk) }
                size = size << 4 | UInt64(value)
                state = .size(digits: digits + 1)
            } else {
                guard digits > 0 else { throw .malformed(.chunk) }
                state = try afterElement(byte, blank: .beforeExtension)
            }
        case .sizeLineEnd:
            guard byte == ASCII.lineFeed else { throw .malformed(.chunk) }
            try endSizeLine()
        case .dataCarriageReturn:
            guard byte == ASCII.carriageReturn else { throw .malformed(.chunk) }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformed(.chunk) }
            lineBytes = 0
            size = 0
            state = .size(digits: 0)
        case .beforeExtension, .extensionNameStart, .extensionName, .afterExtensionName,
            .extensionValueStart, .extensionToken, .extensionQuoted, .extensionQuotedPair,
            .afterExtensionValue:
            state = try readExtension(byte)
        case .data, .trailers, .ended:
            preconditionFailure("not a framing byte")
        }
    }

    /// `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )`, RFC 9112 §7.1.1.
    private func readExtension(_ byte: UInt8) throws(ProtocolFailure) -> State {
        let isBlank = byte == ASCII.space || byte == ASCII.tab
        switch state {
        case .beforeExtension:
            // White space that no extension follows is refused.
            if isBlank { return state }
            if byte == UInt8(ascii: ";") { return .extensionNameStart }
        case .extensionNameStart:
            if isBlank { return state }
            if ASCII.isTokenCharacter(byte) { return .extensionName }
        case .extensionName:
            if ASCII.isTokenCharacter(byte) { return state }
            if byte == UInt8(ascii: "=") { return .extensionValueStart }
            return try afterElement(byte, blank: .afterExtensionName)
        case .afterExtensionName:
            if isBlank { return state }
            if byte == UInt8(ascii: "=") { return .extensionValueStart }
            if byte == UInt8(ascii: ";") { return .extensionNameStart }
        case .extensionValueStart:
            if isBlank { return state }
            if byte == UInt8(ascii: "\"") { return .extensionQuoted }
            if ASCII.isTokenCharacter(byte) { return .extensionToken }
        case .extensionToken:
            if ASCII.isTokenCharacter(byte) { return state }
            return try afterElement(byte, blank: .beforeExtension)
        case .extensionQuoted:
            if byte == UInt8(ascii: "\"") { return .afterExtensionValue }
            if byte == UInt8(ascii: "\\") { return .extensionQuotedPair }
            if ASCII.isFieldValueByte(byte) { return state }
        case .extensionQuotedPair:
            if ASCII.isFieldValueByte(byte) { return .extensionQuoted }
        case .afterExtensionValue:
            return try afterElement(byte, blank: .beforeExtension)
        case .size, .sizeLineEnd, .data, .dataCarriageReturn, .dataLineFeed, .trailers, .ended:
            preconditionFailure("not in an extension")
        }
        throw .malformed(.chunk)
    }

    /// After a size, name or value: the next extension, the line's end, or white space.
    private func afterElement(_ byte: UInt8, blank: State) throws(ProtocolFailure) -> State {
        switch byte {
        case UInt8(ascii: ";"): return .extensionNameStart
        case ASCII.carriageReturn: return .sizeLineEnd
        case ASCII.space, ASCII.tab: return blank
        default: throw .malformed(.chunk)
        }
    }

    private mutating func endSizeLine() throws(ProtocolFailure) {
        guard let count = Int(exactly: size), count <= contentBytesMaximum - contentBytes else {
            throw .contentTooLarge
        }
        contentBytes += count
        // RFC 9112 §7.1.1: bound what chunk framing and extensions may cost.
        guard
            overheadBytes <= limits.chunkOverheadBytesAllowance
                || overheadBytes / 4 <= contentBytes
        else { throw .malformed(.chunk) }
        lineBytes = 0
        state = count == 0 ? .trailers : .data(remaining: count)
    }

    /// RFC 9110 §6.5.1: fields that frame, route, authenticate or describe content are no trailers.
    private mutating func checkTrailers() throws(ProtocolFailure) {
        let fields = trailers.takeFields()
        for index in 0..<fields.count {
            let isForbidden = Self.forbiddenTrailers.contains { fields.isNamed($0, at: index) }
            guard !isForbidden else { throw .malformed(.trailer) }
        }
    }

    private static let forbiddenTrailers = [
        "authorization", "cache-control", "connection", "content-encoding", "content-length",
        "content-range", "content-type", "cookie", "expect", "forwarded", "host", "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive",
        "max-forwards", "pragma", "proxy-authorization", "range", "set-cookie", "te", "trailer",
        "transfer-encoding", "upgrade", "x-api-key", "x-forwarded-for",
    ]
}
