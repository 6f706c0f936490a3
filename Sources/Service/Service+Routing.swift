import HTTPServer
import HTTPWire
import Platform

extension Service: RequestHandler {
    package func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        var key: APIKey?
        do throws(APIError) {
            key = try self.key(of: head)
            if let key { metrics.access.client(key.name)?.requests.add() }
            let route = try Self.route(of: head, where: isServed)
            if route?.method == .post && head.method == .post {
                try checkContentType(head)
                if let key, route == .embeddings { try access.checkQuota(of: key) }
                _ = try models()
            }
            return .accept()
        } catch {
            return .refuse(response(to: error, context(of: head, from: peer, showing: key)))
        }
    }

    /// The route of an acceptable request; nil for `OPTIONS *`.
    static func route(
        of head: RequestHead, where isServed: (Route) -> Bool
    ) throws(APIError) -> Route? {
        if head.method == .options && head.path == "*" { return nil }
        guard let route = Route(path: head.path), isServed(route) else {
            throw .notFound(path: head.path)
        }
        switch head.method {
        case route.method, .options: return route
        case .head where route.method == .get: return route
        default: throw .methodNotAllowed(head.method.rawValue, allow: route.allow)
        }
    }

    private func isServed(_ route: Route) -> Bool {
        route != .metrics || configuration.metricsAccessInForce != .off
    }

    /// RFC 9110 §8.3: a body without a type is taken for what the route expects.
    private func checkContentType(_ head: RequestHead) throws(APIError) {
        guard let type = head.fields.bytes(of: "content-type") else { return }
        guard MediaType.isJSON(type) else { throw .unsupportedMediaType }
    }

    package func handle(_ request: Request, _ exchange: Exchange) {
        let key: APIKey?
        do throws(APIError) {
            key = try self.key(of: request.head)
        } catch {
            // The key was taken back while the content was read.
            let context = context(of: request.head, from: request.peer, showing: nil)
            exchange.respond(response(to: error, context))
            return
        }
        answer(request, exchange, context(of: request.head, from: request.peer, showing: key))
    }

    /// Answers a request that may be answered.
    func answer(_ request: Request, _ exchange: Exchange, _ context: RequestContext) {
        guard request.head.method != .options, let route = Route(path: request.head.path) else {
            exchange.respond(optionsResponse(request.head, context))
            return
        }
        switch route {
        case .embeddings:
            prepare(request, exchange, context, embed)
        case .tokenize:
            prepare(request, exchange, context, tokenize)
        case .models:
            exchange.respond(json(modelList(), context))
        case .live:
            exchange.respond(json(Self.alive, context))
        case .health, .ready:
            exchange.respond(readiness(context))
        case .metrics:
            scrapes.async { [self] in
                exchange.respond(
                    finished(
                        Response(
                            status: .ok, contentType: PrometheusText.contentType,
                            body: metricsText()),
                        context))
            }
        }
    }

    /// Runs `work` here when the body is small, else on a queue of its own.
    private func prepare(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext,
        _ work: @escaping @Sendable (Request, Exchange, RequestContext) throws(APIError) -> Void
    ) {
        let attempt: @Sendable () -> Void = {
            do throws(APIError) {
                try work(request, exchange, context)
            } catch {
                exchange.respond(self.response(to: error, context))
            }
        }
        if request.body.count <= Self.inlineBodyBytesMaximum {
            attempt()
        } else {
            preparation.async(execute: attempt)
        }
    }

    /// About a tenth of a millisecond of parsing and tokenizing.
    private static let inlineBodyBytesMaximum = 8 << 10

    package func response(to failure: ProtocolFailure) -> Response {
        var error = APIError(
            failure.status, kind: failure.status.code < 500 ? .invalidRequest : .server,
            Self.code(of: failure), failure.message)
        if failure == .overloaded {
            error.kind = .unavailable
            error.retryAfter = 1
        }
        if failure == .unsupportedContentCoding { error.acceptEncoding = "gzip, deflate" }
        return finished(response(to: error), RequestID.make())
    }

    private static func code(of failure: ProtocolFailure) -> APIError.Code {
        switch failure {
        case .malformed: .badRequest
        case .timedOut: .requestTimeout
        case .contentTooLarge: .contentTooLarge
        case .targetTooLong: .uriTooLong
        case .unsupportedContentCoding: .unsupportedMediaType
        case .unsupportedExpectation: .expectationFailed
        case .fieldsTooLarge: .headersTooLarge
        case .unknownMethod, .unknownTransferCoding: .notImplemented
        case .overloaded: .tooManyConnections
        case .unsupportedVersion: .versionNotSupported
        }
    }

    // MARK: Responses

    func json(
        _ body: [UInt8], _ context: RequestContext, status: HTTPStatus = .ok
    ) -> Response {
        finished(Response(status: status, contentType: "application/json", body: body), context)
    }

    /// The response with what every response carries.
    func finished(_ response: consuming Response, _ context: RequestContext) -> Response {
        var response = finished(response, context.id)
        response.requester = context.client.name
        cors.append(to: &response.fields, origin: context.origin)
        if let quota = context.quota { Self.append(quota, to: &response.fields) }
        return response
    }

    private func finished(_ response: consuming Response, _ id: String) -> Response {
        response.fields.append(HeaderName.requestID, id)
        return response
    }

    func response(to error: APIError, _ context: RequestContext) -> Response {
        finished(response(to: error), context)
    }

    private func response(to error: APIError) -> Response {
        var response = Response(
            status: error.status, contentType: "application/json", body: error.body)
        if let seconds = error.retryAfter {
            response.fields.append(HeaderName.retryAfter, String(seconds))
        }
        if let allow = error.allow { response.fields.append(HeaderName.allow, allow) }
        if let type = error.accept { response.fields.append(HeaderName.accept, type) }
        if let codings = error.acceptEncoding {
            response.fields.append(HeaderName.acceptEncoding, codings)
        }
        if let challenge = error.challenge {
            response.fields.append(HeaderName.challenge, challenge)
        }
        if let quota = error.quota {
            Self.append(quota, to: &response.fields)
            // OpenAI's clients would otherwise repeat what can never be granted.
            if quota.secondsUntilEnough == nil {
                response.fields.append(HeaderName.shouldRetry, "false")
            }
        }
        return response
    }

    /// The fields by which OpenAI tells of its limits.
    private static func append(_ quota: QuotaStanding, to fields: inout HTTPFields) {
        fields.append(HeaderName.limitTokens, String(quota.limit))
        fields.append(HeaderName.remainingTokens, String(quota.remaining))
        let milliseconds = Int((quota.secondsUntilFull * 1000).rounded(.up))
        fields.append(HeaderName.resetTokens, "\(milliseconds)ms")
    }

    private func optionsResponse(_ head: RequestHead, _ context: RequestContext) -> Response {
        var response = finished(Response(status: .noContent), context)
        let allow = Route(path: head.path)?.allow ?? "GET, HEAD, POST, OPTIONS"
        response.fields.append(HeaderName.allow, allow)
        if context.origin != nil && cors.isPreflight(head) {
            cors.appendPreflight(to: &response.fields, allow: allow, head)
        }
        return response
    }
}
