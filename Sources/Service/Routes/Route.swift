import HTTPWire

/// What the service answers; the table of paths, methods and statuses.
///
/// To add a route: a case here with its path, and its answer in `Service+Routing.swift`.
package enum Route: String, CaseIterable, Sendable {
    case embeddings
    case tokenize
    case models
    case health
    case live
    case ready
    case metrics

    /// Paths, the first of which is the name of the route in metrics.
    package var paths: [String] {
        switch self {
        case .embeddings: ["/v1/embeddings", "/embeddings"]
        case .tokenize: ["/tokenize"]
        case .models: ["/v1/models"]
        case .health: ["/health"]
        case .live: ["/health/live"]
        case .ready: ["/health/ready"]
        case .metrics: ["/metrics"]
        }
    }

    /// The one method that does something; GET stands for HEAD as well.
    package var method: HTTPMethod {
        switch self {
        case .embeddings, .tokenize: .post
        case .models, .health, .live, .ready, .metrics: .get
        }
    }

    /// The value of `Allow`.
    package var allow: String {
        method == .get ? "GET, HEAD, OPTIONS" : "POST, OPTIONS"
    }

    /// Statuses that the route itself can answer with.
    ///
    /// What HTTP alone can answer to anything (408, 431, ...) is not among them.
    package var statuses: [Int] {
        switch self {
        case .embeddings: [200, 204, 400, 401, 404, 405, 413, 415, 429, 500, 503]
        case .tokenize: [200, 204, 400, 401, 404, 405, 413, 415, 503]
        case .models: [200, 204, 401, 405]
        case .metrics: [200, 204, 401, 404, 405]
        case .live: [200, 204, 405]
        case .health, .ready: [200, 204, 405, 503]
        }
    }

    /// The route of a request target's path; nil for 404.
    package init?(path: String) {
        for (known, route) in Self.byPath where known == path {
            self = route
            return
        }
        return nil
    }

    /// So few and so short that comparing takes less time than hashing.
    private static let byPath = allCases.flatMap { route in route.paths.map { ($0, route) } }
}
