/// How the end of a request's content is found (RFC 9112 §6).
package enum BodyFraming: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
}

/// A request without its content: everything here has been validated by the parser.
///
/// An object, since the loop, the exchange, the service and the access log all hold it: handing it on
/// costs one reference and not one for each of its parts.
package final class RequestHead: Sendable {
    package let method: HTTPMethod
    package let version: HTTPVersion
    /// The request target as it was sent: visible ASCII.
    package let target: String
    /// The target's path, or "*": route, authorise and log by this one.
    ///
    /// Percent-encoded unreserved characters are decoded, all other triplets stay.
    package let path: String
    /// What follows the first "?", as it was sent.
    package let query: String?
    package let fields: HTTPFields
    package let framing: BodyFraming
    /// Whether the client wants the connection kept after this exchange (RFC 9112 §9.3).
    package let keepsAlive: Bool
    /// Whether the client waits for 100 (Continue) before it sends content (RFC 9110 §10.1.1).
    package let expectsContinue: Bool
    /// The content codings to undo, outermost last.
    package let contentCoding: ContentCoding

    package init(
        method: HTTPMethod, version: HTTPVersion = .http1_1, target: String, path: String,
        query: String? = nil, fields: HTTPFields = HTTPFields(), framing: BodyFraming = .none,
        keepsAlive: Bool = true, expectsContinue: Bool = false,
        contentCoding: ContentCoding = .identity
    ) {
        self.method = method
        self.version = version
        self.target = target
        self.path = path
        self.query = query
        self.fields = fields
        self.framing = framing
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
        self.contentCoding = contentCoding
    }
}

extension RequestHead: Hashable {
    /// Whether the two say the same.
    package static func == (left: RequestHead, right: RequestHead) -> Bool {
        left.method == right.method && left.version == right.version
            && left.target == right.target && left.path == right.path
            && left.query == right.query && left.fields == right.fields
            && left.framing == right.framing && left.keepsAlive == right.keepsAlive
            && left.expectsContinue == right.expectsContinue
            && left.contentCoding == right.contentCoding
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(method)
        hasher.combine(target)
        hasher.combine(fields)
    }
}

/// A content coding that the server undoes (RFC 9110 §8.4.1).
package enum ContentCoding: Hashable, Sendable {
    case identity
    case gzip
    /// The zlib format of RFC 1950, as the RFC defines "deflate".
    case deflate
}
