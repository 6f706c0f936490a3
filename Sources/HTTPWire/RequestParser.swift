/// Reads a request's head from bytes in any pieces (RFC 9112 §2 to §5).
///
/// It works on octets, fails at the first one that no valid head has there, and gives the same
/// result however the bytes are cut. One parser reads one head.
package struct RequestParser: Sendable {
    private enum State: Sendable {
        case leading(emptyLines: Int)
        case leadingLineFeed(emptyLines: Int)
        case method
        case target(start: Int)
        case version(matched: Int)
        case requestLineEnd
        case fields
    }

    /// No method that the server knows is longer; a longer one is 501 before its end (RFC 9112 §3).
    private static let methodBytesMaximum = 24
    private static let versionPattern: [UInt8] = Array("HTTP/0.0".utf8)
    private static let digitPositions = [5, 7]

    private var state = State.leading(emptyLines: 0)
    private var section: FieldSectionParser
    private var methodEnd = 0
    private var targetEnd = 0
    private var versionDigits: [UInt8] = []
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

    private mutating func parseRequestLine(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = input[index]
            switch state {
            case .leading(let emptyLines):
                if byte == ASCII.carriageReturn {
                    guard emptyLines < limits.leadingEmptyLinesMaximum else {
                        throw .malformed(.requestLine)
                    }
                    state = .leadingLineFeed(emptyLines: emptyLines)
                } else {
                    guard ASCII.isTokenCharacter(byte) else { throw .malformed(.requestLine) }
                    section.storage.reserveCapacity(min(512, range.upperBound - index))
                    section.storage.append(byte)
                    state = .method
                }
            case .leadingLineFeed(let emptyLines):
                guard byte == ASCII.lineFeed else { throw .malformed(.requestLine) }
                state = .leading(emptyLines: emptyLines + 1)
            case .method:
                if byte == ASCII.space {
                    methodEnd = section.storage.count
                    state = .target(start: methodEnd + 1)
                } else {
                    guard ASCII.isTokenCharacter(byte) else { throw .malformed(.requestLine) }
                    guard section.storage.count < Self.methodBytesMaximum else {
                        throw .unknownMethod
                    }
                }
                section.storage.append(byte)
            case .target(let start):
                if ASCII.isTargetByte(byte) {
                    // The space and the version must still fit.
                    guard
                        section.storage.count + Self.versionPattern.count + 1
                            < limits.requestLineBytesMaximum
                    else { throw .targetTooLong }
                } else {
                    guard byte == ASCII.space else {
                        throw .malformed(
                            byte == ASCII.carriageReturn || byte == ASCII.lineFeed
                                ? .requestLine : .target)
                    }
                    guard section.storage.count > start else { throw .malformed(.requestLine) }
                    targetEnd = section.storage.count
                    state = .version(matched: 0)
                }
                section.storage.append(byte)
            case .version(let matched):
                if matched == Self.versionPattern.count {
                    guard byte == ASCII.carriageReturn else { throw .malformed(.version) }
                    state = .requestLineEnd
                } else if Self.digitPositions.contains(matched) {
                    guard ASCII.isDigit(byte) else { throw .malformed(.version) }
                    versionDigits.append(byte - 0x30)
                    state = .version(matched: matched + 1)
                } else {
                    guard byte == Self.versionPattern[matched] else { throw .malformed(.version) }
                    state = .version(matched: matched + 1)
                }
                section.storage.append(byte)
            case .requestLineEnd:
                guard byte == ASCII.lineFeed else { throw .malformed(.requestLine) }
                guard versionDigits == [1, 0] || versionDigits == [1, 1] else {
                    throw .unsupportedVersion
                }
                section.storage.append(byte)
                state = .fields
                range = (index + 1)..<range.upperBound
                return
            case .fields:
                preconditionFailure("the request line has ended")
            }
            index += 1
        }
        range = index..<range.upperBound
    }

    private func makeHead() throws(ProtocolFailure) -> RequestHead {
        let fields = section.fields()
        let semantics = try HeadSemantics(
            fields: fields, version: versionDigits == [1, 1] ? .http1_1 : .http1_0, limits: limits)
        let methodName = section.storage[0..<methodEnd]
        let target = try RequestTarget(
            section.storage[(methodEnd + 1)..<targetEnd],
            isConnect: methodName.elementsEqual("CONNECT".utf8),
            isOptions: methodName.elementsEqual("OPTIONS".utf8))
        try target.check(host: semantics.host, isSecure: isSecure)
        guard let method = HTTPMethod(rawValue: String(decoding: methodName, as: UTF8.self)),
            method != .connect
        else { throw .unknownMethod }
        return RequestHead(
            method: method, version: semantics.version, target: target.text, path: target.path,
            query: target.query, fields: fields, framing: try semantics.framing(limits: limits),
            keepsAlive: semantics.keepsAlive, expectsContinue: try semantics.expectsContinue(),
            contentCoding: try semantics.contentCoding())
    }
}
