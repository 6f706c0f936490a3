import HTTPServer
import HTTPWire

/// What the service knows of a request besides its content.
package struct RequestContext: Hashable, Sendable {
    /// The request's name in logs and in the `x-request-id` header.
    package var id: String
    package var client: Client

    package init(id: String, client: Client) {
        self.id = id
        self.client = client
    }
}
