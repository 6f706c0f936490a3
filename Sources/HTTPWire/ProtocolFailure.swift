/// Everything that can be wrong with a request before a handler sees it, with its status.
///
/// After each of these the connection closes: a stream whose framing is in doubt is never
/// resynchronised (RFC 9112 §2.2, §6.3).
package enum ProtocolFailure: Error, Hashable, Sendable {
    /// Bytes that are not an HTTP/1.1 request.
    case malformed(Malformation)
    /// The client did not send its request in time.
    case timedOut
    /// Content beyond the limit, on the wire or inflated.
    case contentTooLarge
    /// A request line beyond the limit.
    case targetTooLong
    /// A content coding that the server does not decode.
    case unsupportedContentCoding
    /// An expectation other than 100-continue.
    case unsupportedExpectation
    /// Too many or too large fields in the head or trailers.
    case fieldsTooLarge
    /// A method that the server does not know, or CONNECT.
    case unknownMethod
    /// A transfer coding other than chunked.
    case unknownTransferCoding
    /// More connections, or more admitted body bytes, than the server holds.
    case overloaded
    /// A well-formed version other than 1.0 and 1.1.
    case unsupportedVersion

    /// What exactly is malformed: a word for the error message, the log, and the metric's label.
    package enum Malformation: String, CaseIterable, Hashable, Sendable {
        case requestLine = "request_line"
        case target = "target"
        case version = "version"
        case fieldLine = "field_line"
        case host = "host"
        case contentLength = "content_length"
        case transferCoding = "transfer_encoding"
        case chunk = "chunk"
        case trailer = "trailer"
        case contentCoding = "content_encoding"
        case duplicateField = "duplicate_field"
        case incomplete = "incomplete"

        /// A sentence for the client.
        package var message: String {
            switch self {
            case .requestLine: "The request line is malformed."
            case .target: "The request target is malformed."
            case .version: "The HTTP version is malformed."
            case .fieldLine: "A header field line is malformed."
            case .host: "The Host header field is missing, repeated, or invalid."
            case .contentLength: "The Content-Length header field is invalid."
            case .transferCoding: "The Transfer-Encoding header field is invalid."
            case .chunk: "The chunked body is malformed."
            case .trailer: "The trailer section is malformed."
            case .contentCoding: "The body does not decode as its Content-Encoding says."
            case .duplicateField: "A header field that may occur once is repeated."
            case .incomplete: "The connection ended before the request was complete."
            }
        }
    }

    /// The status of the response.
    package var status: HTTPStatus {
        switch self {
        case .malformed: .badRequest
        case .timedOut: .requestTimeout
        case .contentTooLarge: .contentTooLarge
        case .targetTooLong: .uriTooLong
        case .unsupportedContentCoding: .unsupportedMediaType
        case .unsupportedExpectation: .expectationFailed
        case .fieldsTooLarge: .requestHeaderFieldsTooLarge
        case .unknownMethod, .unknownTransferCoding: .notImplemented
        case .overloaded: .serviceUnavailable
        case .unsupportedVersion: .httpVersionNotSupported
        }
    }

    /// A sentence for the client.
    package var message: String {
        switch self {
        case .malformed(let malformation): malformation.message
        case .timedOut: "The request did not arrive in time."
        case .contentTooLarge: "The request body is too large."
        case .targetTooLong: "The request line is too long."
        case .unsupportedContentCoding:
            "The Content-Encoding is not supported; use gzip or deflate."
        case .unsupportedExpectation: "Only the expectation 100-continue is supported."
        case .fieldsTooLarge: "The header fields are too large or too many."
        case .unknownMethod: "The method is not implemented."
        case .unknownTransferCoding: "Only the transfer coding chunked is implemented."
        case .overloaded: "The server is at its limit; try again later."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are supported."
        }
    }

    /// A word for the metric's label and the log.
    package var label: String {
        switch self {
        case .malformed(let malformation): malformation.rawValue
        case .timedOut: "timeout"
        case .contentTooLarge: "content_too_large"
        case .targetTooLong: "target_too_long"
        case .unsupportedContentCoding: "unsupported_content_encoding"
        case .unsupportedExpectation: "unsupported_expectation"
        case .fieldsTooLarge: "fields_too_large"
        case .unknownMethod: "unknown_method"
        case .unknownTransferCoding: "unknown_transfer_coding"
        case .overloaded: "overloaded"
        case .unsupportedVersion: "unsupported_version"
        }
    }

    /// One of each, for tables that must cover them all.
    package static var allFailures: [ProtocolFailure] {
        Malformation.allCases.map(ProtocolFailure.malformed) + [
            .timedOut, .contentTooLarge, .targetTooLong, .unsupportedContentCoding,
            .unsupportedExpectation, .fieldsTooLarge, .unknownMethod, .unknownTransferCoding,
            .overloaded, .unsupportedVersion,
        ]
    }
}
