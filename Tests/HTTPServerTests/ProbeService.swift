import HTTPServer
import HTTPWire

/// A service with the routes that the conformance table asks for, and nothing behind them.
///
/// It refuses what it can at the head, as a real service does, so that the table exercises both ways.
struct ProbeService: RequestHandler {
    private enum Route {
        case page(String)
        case echo
        case unknown

        init(_ path: String) {
            switch path {
            case "/health", "/health/live", "/health/ready", "/metrics": self = .page("ok\n")
            case "/v1/models": self = .page("{}\n")
            case "/v1/embeddings", "/embeddings", "/tokenize": self = .echo
            default: self = .unknown
            }
        }

        var allowed: [HTTPMethod] {
            switch self {
            case .page: [.get, .head, .options]
            case .echo: [.post, .options]
            case .unknown: []
            }
        }
    }

    func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        if head.path == "*" { return .accept() }
        let route = Route(head.path)
        if case .unknown = route { return .refuse(Self.error(.notFound)) }
        guard route.allowed.contains(head.method) else {
            var response = Self.error(.methodNotAllowed)
            response.fields.append(
                "allow", route.allowed.map(\.rawValue).joined(separator: ", "))
            return .refuse(response)
        }
        return .accept()
    }

    func handle(_ request: Request, _ exchange: Exchange) {
        if request.head.method == .options {
            exchange.respond(Response(status: .noContent))
            return
        }
        switch Route(request.head.path) {
        case .page(let text):
            exchange.respond(
                Response(status: .ok, contentType: "text/plain", body: Array(text.utf8)))
        case .echo:
            let isObject =
                request.body.first == UInt8(ascii: "{") && request.body.last == UInt8(ascii: "}")
            exchange.respond(
                isObject
                    ? Response(
                        status: .ok, contentType: "application/json", body: request.body)
                    : Self.error(.badRequest))
        case .unknown:
            exchange.respond(Self.error(.notFound))
        }
    }

    func response(to failure: ProtocolFailure) -> Response {
        var response = Self.error(failure.status)
        if failure.status == .serviceUnavailable { response.fields.append("retry-after", "1") }
        return response
    }

    private static func error(_ status: HTTPStatus) -> Response {
        Response(
            status: status, contentType: "application/json",
            body: Array("{\"error\":{\"message\":\"\(status.reason)\"}}\n".utf8))
    }
}
