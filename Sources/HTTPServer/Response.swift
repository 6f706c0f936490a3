import HTTPWire

/// A response as the service gives it.
///
/// The server adds Date, Content-Length, Connection, X-Content-Type-Options, content coding and
/// Vary, and leaves the content out for HEAD, 204 and 304.
package struct Response: Hashable, Sendable {
    package var status: HTTPStatus
    package var fields: HTTPFields
    package var body: [UInt8]
    /// Closes the connection after this response whatever the client asked.
    package var closesConnection = false
    /// Who asked, by the service's judgement; never sent, for the observer's record alone.
    package var requester: String?

    package init(status: HTTPStatus, fields: HTTPFields = HTTPFields(), body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A response with content of the type `contentType`, such as `application/json`.
    package init(status: HTTPStatus, contentType: String, body: [UInt8]) {
        self.init(
            status: status, fields: HTTPFields(reservingBytes: 256, lines: 6), body: body)
        fields.append("content-type", contentType)
    }
}
