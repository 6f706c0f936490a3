/// A request method that the server knows (RFC 9110 §9, RFC 5789, and QUERY of the HTTP working group).
///
/// Any other token is answered with 501 before a handler sees it.
package enum HTTPMethod: String, CaseIterable, Hashable, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case connect = "CONNECT"
    case options = "OPTIONS"
    case trace = "TRACE"
    case patch = "PATCH"
    case query = "QUERY"
}

extension HTTPMethod {
    /// The method of this name; names are case-sensitive (RFC 9110 §9.1).
    init?(_ name: ArraySlice<UInt8>) {
        for (spelling, method) in Self.byFrequency
        where spelling.count == name.count && name.elementsEqual(spelling) {
            self = method
            return
        }
        return nil
    }

    private static let byFrequency: [(spelling: [UInt8], method: HTTPMethod)] =
        ([.post, .get] + allCases.filter { $0 != .post && $0 != .get })
        .map { (Array($0.rawValue.utf8), $0) }
}
