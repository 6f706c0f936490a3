import HTTPWire

/// Which web pages may read the service's answers (the CORS protocol of the Fetch standard, §3.2).
///
/// Off without origins. Credentials in the Fetch standard's sense (cookies, client certificates) are
/// never allowed; a page sends its API key in a field of its own, which it must be allowed to.
package struct CORSPolicy: Sendable {
    /// Compared byte for byte.
    private let origins: Set<[UInt8]>

    package init(origins: [String]) {
        self.origins = Set(origins.map { Array($0.utf8) })
    }

    package var isOn: Bool { !origins.isEmpty }

    /// The request's origin when it is on the list.
    package func allowedOrigin(of fields: HTTPFields) -> String? {
        guard isOn else { return nil }
        let values = fields.values(of: "origin")
        guard let origin = values.first, values.count == 1, origins.contains(Array(origin)) else {
            return nil
        }
        return String(decoding: origin, as: UTF8.self)
    }

    /// Whether a browser asks for a page whether it may send a request; it never sends a key then.
    package func isPreflight(_ head: RequestHead) -> Bool {
        isOn && head.method == .options && head.fields.contains("origin")
            && head.fields.contains("access-control-request-method")
    }

    /// Adds what a page may read to a response.
    func append(to fields: inout HTTPFields, origin: String?) {
        guard isOn else { return }
        fields.append("vary", "origin")
        guard let origin else { return }
        fields.append("access-control-allow-origin", origin)
        fields.append("access-control-expose-headers", Self.readable)
    }

    /// Adds what a page may send to the answer to a preflight.
    func appendPreflight(to fields: inout HTTPFields, allow: String, _ head: RequestHead) {
        fields.append("access-control-allow-methods", allow)
        fields.append(
            "access-control-allow-headers",
            (Self.sendable + Self.requestedNames(head)).joined(separator: ", "))
        fields.append("access-control-max-age", "600")
    }

    /// What the answers have beyond the fields that pages may always read.
    private static let readable = [
        HeaderName.requestID, HeaderName.retryAfter, HeaderName.shouldRetry,
        HeaderName.serverTiming, HeaderName.truncatedInputs, HeaderName.challenge,
        HeaderName.limitTokens, HeaderName.remainingTokens, HeaderName.resetTokens,
    ].joined(separator: ", ")

    private static let sendable = ["authorization", "content-type", "x-api-key", "x-request-id"]

    /// The names that the browser asks for beyond ours, as OpenAI's client has many.
    ///
    /// Fields that the service does not know do nothing. Names that are no tokens are left out.
    private static func requestedNames(_ head: RequestHead) -> [String] {
        guard let value = head.fields.bytes(of: "access-control-request-headers"),
            value.count <= requestedBytesMaximum
        else { return [] }
        return value.split(separator: UInt8(ascii: ",")).compactMap { part in
            let name = part.filter { $0 != 0x20 && $0 != 0x09 }.map(ASCII.lowercased)
            guard !name.isEmpty, name.allSatisfy(ASCII.isTokenCharacter), name != [0x2A] else {
                return nil
            }
            let text = String(decoding: name, as: UTF8.self)
            return sendable.contains(text) ? nil : text
        }
    }

    private static let requestedBytesMaximum = 2048

    /// Whether a text can be an origin as browsers send it: `scheme://host` or `scheme://host:port`.
    ///
    /// `*` and `null` are none: the first lets every page in, the second every sandboxed one.
    package static func isOrigin(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            bytes[colon...].starts(with: Array("://".utf8))
        else { return false }
        func isLowercase(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
        let scheme = bytes[..<colon]
        guard isLowercase(scheme[0]),
            scheme.allSatisfy({ isLowercase($0) || ASCII.isDigit($0) || "+-.".utf8.contains($0) })
        else { return false }
        let authority = bytes[(colon + 3)...]
        // Browsers leave a scheme's own port out.
        let ownPort = scheme.elementsEqual("https".utf8) ? ":443" : ":80"
        let hasOwnPort =
            scheme.starts(with: "http".utf8) && authority.count > ownPort.utf8.count
            && authority.suffix(ownPort.utf8.count).elementsEqual(ownPort.utf8)
        return !authority.isEmpty && !hasOwnPort
            && authority.allSatisfy {
                isLowercase($0) || ASCII.isDigit($0) || "-._:[]".utf8.contains($0)
            }
    }
}
