import JSON

/// The router's table and the error codes, for whoever checks openapi.yaml against the program.
package enum RouteTable {
    /// `{"routes":[{path, method, statuses}], "protocolStatuses":[], "types":[], "codes":[]}`.
    package static var json: String {
        var json = JSONWriter()
        json.raw(#"{"routes":["#)
        var isFirst = true
        for route in Route.allCases {
            for path in route.paths {
                if !isFirst { json.raw(",") }
                isFirst = false
                json.raw(#"{"path":"#)
                json.string(path)
                json.raw(#","method":"#)
                json.string(route.method.rawValue)
                json.raw(",\"statuses\":\(route.statuses)}")
            }
        }
        json.raw("],\"protocolStatuses\":\(ServiceMetrics.failureStatuses)")
        json.raw(",\"types\":\(APIError.Kind.allCases.map(\.rawValue))")
        json.raw(",\"codes\":\(APIError.Code.allCases.map(\.rawValue))}")
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
