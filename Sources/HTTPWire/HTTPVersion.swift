/// The two versions of HTTP that the server speaks (RFC 9112 §2.3).
package enum HTTPVersion: String, Hashable, Sendable {
    case http1_0 = "HTTP/1.0"
    case http1_1 = "HTTP/1.1"
}
