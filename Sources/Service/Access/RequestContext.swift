import Batching
import HTTPServer
import HTTPWire

/// What the service knows of a request besides its content.
package struct RequestContext: Hashable, Sendable {
    /// The request's name in logs and in the `x-request-id` header.
    package var id: String
    package var client: Client
    /// How urgent the client's requests are unless they say so themselves.
    package var priority = Priority.interactive
    /// The key that was shown, when keys are asked for.
    package var key: APIKey?
    /// The web page's origin that may read the answer; nil for every other request.
    package var origin: String?
    /// How the key's quota stands after this request's tokens were taken.
    package var quota: QuotaStanding?

    package init(id: String, client: Client) {
        self.id = id
        self.client = client
    }

    /// Makes the key's owner the client.
    package mutating func identify(as key: APIKey) {
        self.key = key
        client = .key(key.name)
        priority = key.priority
    }
}
