import HTTPWire
import JSON
import Service
import Testing

struct RouteTests {
    @Test(
        arguments: [
            ("/v1/embeddings", .embeddings), ("/embeddings", .embeddings), ("/tokenize", .tokenize),
            ("/v1/models", .models), ("/health", .health), ("/health/live", .live),
            ("/health/ready", .ready), ("/metrics", .metrics),
        ] as [(String, Route)])
    func findsItsPath(path: String, route: Route) {
        #expect(Route(path: path) == route)
        #expect(route.paths.contains(path))
    }

    @Test(arguments: [
        "", "/", "*", "/v1", "/v1/", "/v1/embeddings/", "/V1/embeddings", "/v1//embeddings",
        "/v1/embeddings?x", "/v1/models/a", "/healthz", "//metrics", "/metrics\u{301}",
    ])
    func knowsNothingElse(path: String) {
        #expect(Route(path: path) == nil)
    }

    @Test func everyPathIsThereOnce() {
        let paths = Route.allCases.flatMap(\.paths)
        #expect(Set(paths).count == paths.count)
        #expect(paths.allSatisfy { $0.hasPrefix("/") })
    }

    @Test(arguments: Route.allCases)
    func allowsItsMethod(route: Route) {
        let allowed = route.allow.split(separator: ",").map { $0.drop { $0 == " " } }
        #expect(allowed.contains(Substring(route.method.rawValue)))
        #expect(allowed.contains("OPTIONS"))
        #expect(allowed.contains("HEAD") == allowed.contains("GET"))
        #expect(route.statuses.contains(200) && route.statuses.contains(405))
        #expect(route.statuses == route.statuses.sorted())
    }

    @Test func tableIsJSONWithEveryPath() throws {
        let table = try JSONValue(parsing: Array(RouteTable.json.utf8)).object
        let rows = try #require(table?["routes"]?.array)
        #expect(rows.compactMap { $0.object?["path"]?.string } == Route.allCases.flatMap(\.paths))
        for row in rows {
            let route = row.object?["path"]?.string.flatMap(Route.init(path:))
            #expect(row.object?["method"]?.string == route?.method.rawValue)
            #expect(row.object?["statuses"]?.array?.compactMap(\.int) == route?.statuses)
        }
        #expect(table?["codes"]?.array?.count == APIError.Code.allCases.count)
        #expect(table?["types"]?.array?.count == APIError.Kind.allCases.count)
        #expect(table?["protocolStatuses"]?.array?.compactMap(\.int).contains(431) == true)
    }
}
