import HTTPWire
import JSON

/// Every failure that a client can meet, in OpenAI's shape; the only place that knows status codes.
///
/// The body is `{"error":{"message","type","param","code"}}`, where `param` and `code` are strings or
/// null (OpenAI's specification, schema `Error`).
package struct APIError: Error, Equatable, Sendable {
    package var status: HTTPStatus
    package var kind: Kind
    package var message: String
    /// The request field at fault, as the client wrote it; `input[3]` for one of several.
    package var parameter: String?
    package var code: Code?
    /// When to try again, in whole seconds.
    package var retryAfter: Int?
    /// The methods that the path takes, for 405.
    package var allow: String?
    /// The media type that the path takes, for 415 (RFC 9110 §15.5.16).
    package var accept: String?
    /// The content codings that the server undoes, for 415.
    package var acceptEncoding: String?
    /// How to show a key, for 401 (RFC 6750 §3).
    package var challenge: String?
    /// The quota that was exceeded, for 429.
    package var quota: QuotaStanding?

    /// OpenAI's `type` of an error.
    package enum Kind: String, CaseIterable, Sendable {
        case invalidRequest = "invalid_request_error"
        case rateLimit = "rate_limit_error"
        case server = "server_error"
        case overloaded = "overloaded_error"
        case unavailable = "service_unavailable_error"
    }

    /// OpenAI's `code` of an error: what a program can branch on.
    package enum Code: String, CaseIterable, Sendable {
        case badRequest = "bad_request"
        case contentTooLarge = "content_too_large"
        case contextLengthExceeded = "context_length_exceeded"
        case deadlineExceeded = "deadline_exceeded"
        case draining = "draining"
        case expectationFailed = "expectation_failed"
        case headersTooLarge = "headers_too_large"
        case inferenceFailed = "inference_failed"
        case invalidAPIKey = "invalid_api_key"
        case invalidJSON = "invalid_json"
        case invalidType = "invalid_type"
        case invalidValue = "invalid_value"
        case methodNotAllowed = "method_not_allowed"
        case missingParameter = "missing_required_parameter"
        case modelLoading = "model_loading"
        case modelNotFound = "model_not_found"
        case notFound = "not_found"
        case notImplemented = "not_implemented"
        case queueFull = "queue_full"
        case rateLimitExceeded = "rate_limit_exceeded"
        case requestTimeout = "request_timeout"
        case tooManyConnections = "too_many_connections"
        case unsupportedMediaType = "unsupported_media_type"
        case uriTooLong = "uri_too_long"
        case versionNotSupported = "http_version_not_supported"
    }

    package init(
        _ status: HTTPStatus, kind: Kind = .invalidRequest, _ code: Code?, _ message: String,
        parameter: String? = nil
    ) {
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.parameter = parameter
    }

    /// The body as OpenAI's clients read it.
    package var body: [UInt8] {
        var json = JSONWriter()
        json.raw("{\"error\":{\"message\":")
        json.string(message)
        json.raw(",\"type\":\"\(kind.rawValue)\",\"param\":")
        json.stringOrNull(parameter)
        json.raw(",\"code\":")
        json.stringOrNull(code?.rawValue)
        json.raw("}}")
        return json.bytes
    }
}

extension APIError {
    // MARK: The request's content

    static func invalidJSON(_ problem: String) -> APIError {
        APIError(
            .badRequest, .invalidJSON, "The body is not valid JSON: \(problem).")
    }

    static func missing(_ parameter: String, _ hint: String) -> APIError {
        APIError(
            .badRequest, .missingParameter, "'\(parameter)' is missing: \(hint).",
            parameter: parameter)
    }

    static func wrongType(_ parameter: String, _ expected: String, got: String) -> APIError {
        APIError(
            .badRequest, .invalidType, "'\(parameter)' must be \(expected), not \(got).",
            parameter: parameter)
    }

    static func invalidValue(_ parameter: String, _ message: String) -> APIError {
        APIError(.badRequest, .invalidValue, message, parameter: parameter)
    }

    static func modelNotFound(_ name: String, served: [String]) -> APIError {
        let names = served.map { "'\($0)'" }.joined(separator: ", ")
        return APIError(
            .notFound, .modelNotFound,
            "The model '\(name)' does not exist here. This server has: \(names).",
            parameter: "model")
    }

    static func tooLong(_ parameter: String, tokens: Int?, limit: Int) -> APIError {
        let count = tokens.map { "has \($0) tokens" } ?? "has too many tokens"
        return APIError(
            .badRequest, .contextLengthExceeded,
            "'\(parameter)' \(count); the model's maximum is \(limit). Shorten it, or send "
                + "\"truncate\": true to have it cut.",
            parameter: parameter)
    }

    // MARK: Routing

    static func notFound(path: String) -> APIError {
        let shown = path.utf8.count <= 200 ? "'\(path)'" : "this path"
        return APIError(
            .notFound, .notFound,
            "There is nothing at \(shown). The API is at POST /v1/embeddings; GET /v1/models lists "
                + "the models.")
    }

    static func methodNotAllowed(_ method: String, allow: String) -> APIError {
        var error = APIError(
            .methodNotAllowed, .methodNotAllowed,
            "This path does not take \(method). It takes: \(allow).")
        error.allow = allow
        return error
    }

    static let unsupportedMediaType: APIError = {
        var error = APIError(
            .unsupportedMediaType, .unsupportedMediaType,
            "The body must be JSON: send the header 'Content-Type: application/json'.")
        error.accept = MediaType.json
        return error
    }()

    // MARK: Access

    /// - Parameter isKeyShown: whether there was something that could have been a key.
    static func unauthorized(isKeyShown: Bool) -> APIError {
        var error = APIError(
            .unauthorized, .invalidAPIKey,
            isKeyShown
                ? "The API key is not valid here: it is wrong, has expired, or was taken back."
                : "An API key is needed: send the header 'Authorization: Bearer KEY'.")
        error.challenge =
            "Bearer realm=\"quiver\"" + (isKeyShown ? ", error=\"invalid_token\"" : "")
        return error
    }

    static func quotaExceeded(_ quota: QuotaStanding, tokens: Int) -> APIError {
        let seconds = quota.secondsUntilEnough.map { max(1, Int($0.rounded(.up))) }
        let advice =
            seconds.map { "Try again in \($0) s." }
            ?? "A request of \(tokens) can never be granted: send fewer or shorter texts at once."
        var error = APIError(
            .tooManyRequests, kind: .rateLimit, .rateLimitExceeded,
            "The key's quota is \(quota.limit) tokens a minute, of which \(quota.remaining) are left. "
                + advice)
        error.retryAfter = seconds ?? 60
        error.quota = quota
        return error
    }

    // MARK: The service's state

    static func queueFull(retryAfter seconds: Int) -> APIError {
        var error = APIError(
            .serviceUnavailable, kind: .overloaded, .queueFull,
            "The queue is full; nothing of this request was started. Try again in \(seconds) s.")
        error.retryAfter = seconds
        return error
    }

    /// The request's own time, or the operator's for all requests, is too short or over.
    static func deadlineExceeded(retryAfter seconds: Int) -> APIError {
        var error = APIError(
            .serviceUnavailable, kind: .overloaded, .deadlineExceeded,
            "There is too much to do for an answer within the request's time. Try again in "
                + "\(seconds) s, or allow more time in the header 'X-Request-Timeout-Ms'.")
        error.retryAfter = seconds
        return error
    }

    static let loading: APIError = {
        var error = APIError(
            .serviceUnavailable, kind: .unavailable, .modelLoading,
            "The model is still being loaded. GET /health/ready answers 200 when it is ready.")
        error.retryAfter = 1
        return error
    }()

    static let draining: APIError = {
        var error = APIError(
            .serviceUnavailable, kind: .unavailable, .draining,
            "The server is shutting down and takes no new work. Send it to another one.")
        error.retryAfter = 1
        return error
    }()

    static let inferenceFailed = APIError(
        .internalServerError, kind: .server, .inferenceFailed,
        "The model failed on this request. It was logged under the request's id.")
}
