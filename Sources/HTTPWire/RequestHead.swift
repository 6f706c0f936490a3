/// How the end of a request's content is found (RFC 9112 §6).
package enum BodyFraming: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
}

/// A request without its content: everything here has been validated by the parser.
package struct RequestHead: Hashable, Sendable {
    package var method: HTTPMethod
    package var version: HTTPVersion
    /// The request target as it was sent: visible ASCII.
    package var target: String
    /// The target's path, or "*": route, authorise and log by this one.
    ///
    /// Percent-encoded unreserved characters are decoded, all other triplets stay.
    package var path: String
    /// What follows the first "?", as it was sent.
    package var query: String?
    package var fields: HTTPFields
    package var framing: BodyFraming
    /// Whether the client wants the connection kept after this exchange (RFC 9112 §9.3).
    package var keepsAlive: Bool
    /// Whether the client waits for 100 (Continue) before it sends content (RFC 9110 §10.1.1).
    package var expectsContinue: Bool
    /// The content codings to undo, outermost last.
    package var contentCoding: ContentCoding

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

/// A content coding that the server undoes (RFC 9110 §8.4.1).
package enum ContentCoding: Hashable, Sendable {
    case identity
    case gzip
    /// The zlib format of RFC 1950, as the RFC defines "deflate".
    case deflate
}
