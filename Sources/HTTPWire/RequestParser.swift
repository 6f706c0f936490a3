/// Reads a request's head from bytes in any pieces (RFC 9112 §2 to §5).
///
/// It works on octets, fails at the first one that no valid head has there, and gives the same
/// result however the bytes are cut. One parser reads one head.
package struct RequestParser: Sendable {
    private enum State: Sendable {
        case leading(emptyLines: Int)
        case leadingLineFeed(emptyLines: Int)
        case method
        case target
        case version
        case requestLineEnd
        case fields
    }

    /// No method that the server knows is longer; a longer one is 501 before its end (RFC 9112 §3).
    private static let methodBytesMaximum = 24
    /// `HTTP/1.1`.
    private static let versionBytes = 8
    private static let reservedBytesMaximum = 1024

    private var state = State.leading(emptyLines: 0)
    private var section: FieldSectionParser
    private var methodEnd = 0
    private var targetEnd = 0
    private var majorVersion: UInt8 = 0
    private var minorVersion: UInt8 = 0
    private let limits: HTTPLimits
    private let isSecure: Bool

    /// A parser for a connection that `isSecure` when it is TLS: only there is an https target served.
    package init(limits: HTTPLimits = HTTPLimits(), isSecure: Bool = false) {
        self.limits = limits
        self.isSecure = isSecure
        section = FieldSectionParser(limits: limits, malformation: .fieldLine)
    }

    /// Whether a byte of the request line has been seen.
    package var hasBegun: Bool {
        switch state {
        case .leading, .leadingLineFeed: false
        case .method, .target, .version, .requestLineEnd, .fields: true
        }
    }

    /// Reads from the front of `range`, which it shortens; the head when its last byte was there.
    ///
    /// - Throws: what the client shall be told; nothing after it may be read as a request.
    package mutating func parse(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) -> RequestHead? {
        if case .fields = state {
        } else {
            try parseRequestLine(input, &range)
            guard case .fields = state else { return nil }
        }
        guard try section.parse(input, &range) else { return nil }
        return try makeHead()
    }

    /// Reads up to the request line's end; its bytes, without the empty lines before, are stored.
    private mutating func parseRequestLine(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) {
        let bytes = input.span
        var index = range.lowerBound
        try skipEmptyLines(bytes, &index, end: range.upperBound)
        let start = index
        // A byte's position in the line is its index less this.
        let base = start - section.storage.count
        var isComplete = false
        if section.storage.isEmpty {
            // A whole head is usually there: one allocation for all of it.
            section.reserve(bytes: min(range.count, Self.reservedBytesMaximum))
        }
        while index < range.upperBound && !isComplete {
            try read(bytes[index], at: index - base)
            index += 1
            if case .fields = state { isComplete = true }
        }
        section.storage.append(contentsOf: input[start..<index])
        range = index..<range.upperBound
    }

    /// RFC 9112 §2.2: an empty line or two before a request is ignored.
    private mutating func skipEmptyLines(
        _ bytes: Span<UInt8>, _ index: inout Int, end: Int
    ) throws(ProtocolFailure) {
        while index < end {
            let byte = bytes[index]
            switch state {
            case .leading(let emptyLines):
                guard byte == ASCII.carriageReturn else {
                    state = .method
                    return
                }
                guard emptyLines < limits.leadingEmptyLinesMaximum else {
                    throw .malformed(.requestLine)
                }
                state = .leadingLineFeed(emptyLines: emptyLines)
            case .leadingLineFeed(let emptyLines):
                guard byte == ASCII.lineFeed else { throw .malformed(.requestLine) }
                state = .leading(emptyLines: emptyLines + 1)
            case .method, .target, .version, .requestLineEnd, .fields: return
            }
            index += 1
        }
    }

    /// Takes the byte at `position` of the request line.
    private mutating func read(_ byte: UInt8, at position: Int) throws(ProtocolFailure) {
        switch state {
        case .method:
            if byte == ASCII.space && position > 0 {
                methodEnd = position
                state = .target
            } else {
                guard ASCII.isTokenCharacter(byte) else { throw .malformed(.requestLine) }
                guard position < Self.methodBytesMaximum else { throw .unknownMethod }
            }
        case .target:
            if ASCII.isTargetByte(byte) {
                // The space and the version must still fit.
                guard position + Self.versionBytes + 1 < limits.requestLineBytesMaximum
                else { throw .targetTooLong }
            } else {
                guard byte == ASCII.space, position > methodEnd + 1 else {
                    throw .malformed(byte <= ASCII.space ? .requestLine : .target)
                }
                targetEnd = position
                state = .version
            }
        case .version:
            try readVersion(byte, at: position - targetEnd - 1)
        case .requestLineEnd:
            guard byte == ASCII.lineFeed else { throw .malformed(.requestLine) }
            guard majorVersion == 1 && minorVersion <= 1 else { throw .unsupportedVersion }
            state = .fields
        case .leading, .leadingLineFeed, .fields:
            preconditionFailure("not in the request line")
        }
    }

    /// `HTTP/` DIGIT `.` DIGIT CR.
    private mutating func readVersion(
        _ byte: UInt8, at position: Int
    ) throws(ProtocolFailure) {
        let expected: UInt8
        switch position {
        case 0: expected = UInt8(ascii: "H")
        case 1, 2: expected = UInt8(ascii: "T")
        case 3: expected = UInt8(ascii: "P")
        case 4: expected = UInt8(ascii: "/")
        case 5:
            expected = byte
            majorVersion = byte &- 0x30
        case 6: expected = UInt8(ascii: ".")
        case 7:
            expected = byte
            minorVersion = byte &- 0x30
        default:
            expected = ASCII.carriageReturn
            state = .requestLineEnd
        }
        guard byte == expected, majorVersion < 10, minorVersion < 10 else {
            throw .malformed(.version)
        }
    }

    private mutating func makeHead() throws(ProtocolFailure) -> RequestHead {
        let storage = section.storage
        let fields = section.takeFields()
        let semantics = try HeadSemantics(
            fields: fields, version: minorVersion == 1 ? .http1_1 : .http1_0, limits: limits)
        let methodName = storage[0..<methodEnd]
        let target = try RequestTarget(
            storage[(methodEnd + 1)..<targetEnd],
            isConnect: methodName.elementsEqual("CONNECT".utf8),
            isOptions: methodName.elementsEqual("OPTIONS".utf8))
        try target.check(host: semantics.host, isSecure: isSecure)
        guard let method = HTTPMethod(methodName), method != .connect else { throw .unknownMethod }
        return RequestHead(
            method: method, version: semantics.version, target: target.text, path: target.path,
            query: target.query, fields: fields, framing: try semantics.framing(limits: limits),
            keepsAlive: semantics.keepsAlive, expectsContinue: try semantics.expectsContinue(),
            contentCoding: try semantics.contentCoding())
    }
}
