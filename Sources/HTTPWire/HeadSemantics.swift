/// What a head's fields say about the message itself: host, framing, connection, expectation, coding.
///
/// All of it is decided here, once, from bytes; the strictest safe choice is taken where RFC 9110 and
/// 9112 leave one, since every leniency is a way to smuggle a request past somebody.
struct HeadSemantics {
    let version: HTTPVersion
    private(set) var host: ArraySlice<UInt8>?
    private var contentLength: ArraySlice<UInt8>?
    private var transferCodings: [ArraySlice<UInt8>] = []
    private var expectations: [ArraySlice<UInt8>] = []
    private var contentCodings: [ArraySlice<UInt8>] = []
    private var hasAuthorization = false
    private var hasContentType = false
    private var saysClose = false
    private var saysKeepAlive = false

    init(
        fields: HTTPFields, version: HTTPVersion, limits: HTTPLimits
    ) throws(ProtocolFailure) {
        self.version = version
        for index in 0..<fields.count {
            try note(name: fields.name(at: index), value: fields.value(at: index))
        }
        // RFC 9112 §3.2: a 1.1 request has exactly one, valid Host.
        guard host != nil || version == .http1_0 else { throw .malformed(.host) }
        if let host, !HostPort.isValid(host, needsPort: false) { throw .malformed(.host) }
    }

    private mutating func note(
        name: ArraySlice<UInt8>, value: ArraySlice<UInt8>
    ) throws(ProtocolFailure) {
        switch name.count {
        case 4 where ASCII.equals(name, ignoringCase: "host"):
            guard host == nil else { throw .malformed(.host) }
            host = value
        case 6 where ASCII.equals(name, ignoringCase: "expect"):
            expectations.append(value)
        case 10 where ASCII.equals(name, ignoringCase: "connection"):
            for option in value.listElements() {
                if ASCII.equals(option, ignoringCase: "close") { saysClose = true }
                if ASCII.equals(option, ignoringCase: "keep-alive") { saysKeepAlive = true }
            }
        case 12 where ASCII.equals(name, ignoringCase: "content-type"):
            guard !hasContentType else { throw .malformed(.duplicateField) }
            hasContentType = true
        case 13 where ASCII.equals(name, ignoringCase: "authorization"):
            guard !hasAuthorization else { throw .malformed(.duplicateField) }
            hasAuthorization = true
        case 14 where ASCII.equals(name, ignoringCase: "content-length"):
            guard contentLength == nil else { throw .malformed(.contentLength) }
            contentLength = value
        case 16 where ASCII.equals(name, ignoringCase: "content-encoding"):
            contentCodings.append(contentsOf: value.listElements().filter { !$0.isEmpty })
        case 17 where ASCII.equals(name, ignoringCase: "transfer-encoding"):
            transferCodings.append(contentsOf: value.listElements())
        default: break
        }
    }

    /// RFC 9112 §9.3.
    var keepsAlive: Bool {
        switch version {
        case .http1_1: !saysClose
        case .http1_0: saysKeepAlive && !saysClose
        }
    }

    /// RFC 9112 §6.3, strictly: any doubt about the length is an error.
    func framing(limits: HTTPLimits) throws(ProtocolFailure) -> BodyFraming {
        guard transferCodings.isEmpty else {
            // With Content-Length it may be an attempt at smuggling; in 1.0 it is faulty framing.
            guard contentLength == nil, version == .http1_1 else {
                throw .malformed(.transferCoding)
            }
            return try chunkedFraming()
        }
        guard let contentLength else { return .none }
        guard !contentLength.isEmpty, contentLength.allSatisfy(ASCII.isDigit) else {
            throw .malformed(.contentLength)
        }
        var length = 0
        for digit in contentLength {
            let (product, isTooLarge) = length.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = product.addingReportingOverflow(Int(digit - 0x30))
            guard !isTooLarge, !isTooLargeNow else { throw .malformed(.contentLength) }
            length = sum
        }
        guard length <= limits.bodyBytesMaximum else { throw .contentTooLarge }
        return .length(length)
    }

    private func chunkedFraming() throws(ProtocolFailure) -> BodyFraming {
        guard let last = transferCodings.last, ASCII.equals(last, ignoringCase: "chunked") else {
            throw .malformed(.transferCoding)
        }
        for coding in transferCodings.dropLast() {
            let name = coding.prefix { $0 != UInt8(ascii: ";") }
            guard !name.isEmpty, name.allSatisfy(ASCII.isTokenCharacter),
                !ASCII.equals(name, ignoringCase: "chunked")
            else { throw .malformed(.transferCoding) }
        }
        guard transferCodings.count == 1 else { throw .unknownTransferCoding }
        return .chunked
    }

    /// RFC 9110 §10.1.1; a 1.0 client's expectation is ignored, as is one without content.
    func expectsContinue() throws(ProtocolFailure) -> Bool {
        guard version == .http1_1, !expectations.isEmpty else { return false }
        for expectation in expectations {
            for element in expectation.listElements() {
                guard ASCII.equals(element, ignoringCase: "100-continue") else {
                    throw .unsupportedExpectation
                }
            }
        }
        return true
    }

    /// RFC 9110 §8.4: one coding that the server undoes, or none.
    func contentCoding() throws(ProtocolFailure) -> ContentCoding {
        guard contentLength != nil || !transferCodings.isEmpty else { return .identity }
        guard let coding = contentCodings.first else { return .identity }
        guard contentCodings.count == 1 else { throw .unsupportedContentCoding }
        if ASCII.equals(coding, ignoringCase: "gzip")
            || ASCII.equals(coding, ignoringCase: "x-gzip")
        {
            return .gzip
        }
        if ASCII.equals(coding, ignoringCase: "deflate") { return .deflate }
        if ASCII.equals(coding, ignoringCase: "identity") { return .identity }
        throw .unsupportedContentCoding
    }
}

extension ArraySlice<UInt8> {
    /// The elements of a comma-separated list (RFC 9110 §5.6.1), without the white space around them.
    func listElements() -> [ArraySlice<UInt8>] {
        split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
            $0.trimmingBlanks()
        }
    }

    /// The bytes without the SP and HTAB around them: OWS of RFC 9110 §5.6.3, and no other blanks.
    package func trimmingBlanks() -> ArraySlice<UInt8> {
        var trimmed = self
        while let first = trimmed.first, first == ASCII.space || first == ASCII.tab {
            trimmed.removeFirst()
        }
        while let last = trimmed.last, last == ASCII.space || last == ASCII.tab {
            trimmed.removeLast()
        }
        return trimmed
    }
}
