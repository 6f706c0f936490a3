/// Writes the head of a response (RFC 9112 §4 to §6).
package struct ResponseSerializer: Sendable {
    /// What the server adds to the service's own fields.
    package struct Framing: Hashable, Sendable {
        /// The length for Content-Length; nil leaves it out.
        package var contentLength: Int?
        package var closes: Bool
        /// Says `keep-alive` to a 1.0 client that asked for it.
        package var confirmsKeepAlive: Bool
        package var isGzipped: Bool
        /// Says that the representation depends on Accept-Encoding.
        package var varies: Bool
        /// How long clients are to use TLS alone for this host's name (RFC 6797); nil says nothing.
        package var strictTransportSeconds: Int?

        package init(
            contentLength: Int?, closes: Bool = false, confirmsKeepAlive: Bool = false,
            isGzipped: Bool = false, varies: Bool = false, strictTransportSeconds: Int? = nil
        ) {
            self.contentLength = contentLength
            self.closes = closes
            self.confirmsKeepAlive = confirmsKeepAlive
            self.isGzipped = isGzipped
            self.varies = varies
            self.strictTransportSeconds = strictTransportSeconds
        }
    }

    /// The interim response that lets a client send its content (RFC 9110 §15.2.1).
    package static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private static let statusLines: [[UInt8]] = (0..<600).map { code in
        guard code >= 100 else { return [] }
        return Array("HTTP/1.1 \(code) \(HTTPStatus(code).reason)\r\n".utf8)
    }

    /// Appends status line, fields and the empty line; `date` is the Date field's value.
    package static func appendHead(
        status: HTTPStatus, fields: HTTPFields, framing: Framing, date: [UInt8],
        to output: inout [UInt8]
    ) {
        output.append(contentsOf: statusLines[status.code])
        for index in 0..<fields.count
        where !isOwn(fields, index) {
            output.append(contentsOf: fields.name(at: index))
            output.append(UInt8(ascii: ":"))
            output.append(ASCII.space)
            output.append(contentsOf: fields.value(at: index))
            output.append(ASCII.carriageReturn)
            output.append(ASCII.lineFeed)
        }
        output.append(contentsOf: "date: ".utf8)
        output.append(contentsOf: date)
        output.append(contentsOf: "\r\nx-content-type-options: nosniff\r\n".utf8)
        if let contentLength = framing.contentLength {
            output.append(contentsOf: "content-length: ".utf8)
            append(decimal: contentLength, to: &output)
            output.append(contentsOf: "\r\n".utf8)
        }
        if framing.isGzipped { output.append(contentsOf: "content-encoding: gzip\r\n".utf8) }
        if framing.varies { output.append(contentsOf: "vary: accept-encoding\r\n".utf8) }
        if let seconds = framing.strictTransportSeconds {
            output.append(contentsOf: "strict-transport-security: max-age=".utf8)
            append(decimal: seconds, to: &output)
            output.append(contentsOf: "\r\n".utf8)
        }
        if framing.closes {
            output.append(contentsOf: "connection: close\r\n".utf8)
        } else if framing.confirmsKeepAlive {
            output.append(contentsOf: "connection: keep-alive\r\n".utf8)
        }
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
    }

    /// Fields that only the server may write; the service's own are left out.
    private static func isOwn(_ fields: HTTPFields, _ index: Int) -> Bool {
        switch fields.name(at: index).count {
        case 4: fields.isNamed("date", at: index)
        case 10: fields.isNamed("connection", at: index) || fields.isNamed("keep-alive", at: index)
        case 14: fields.isNamed("content-length", at: index)
        case 17: fields.isNamed("transfer-encoding", at: index)
        case 22: fields.isNamed("x-content-type-options", at: index)
        default: false
        }
    }

    private static func append(decimal number: Int, to output: inout [UInt8]) {
        guard number >= 10 else {
            output.append(0x30 + UInt8(number))
            return
        }
        append(decimal: number / 10, to: &output)
        output.append(0x30 + UInt8(number % 10))
    }
}
