/// A request target in one of its four forms (RFC 9112 §3.2), validated and taken apart.
struct RequestTarget {
    let text: String
    let path: String
    let query: String?
    private var authority: ArraySlice<UInt8>?
    private var isSecureScheme = false

    /// - Throws: `.malformed(.target)` for anything but origin-, absolute-, authority- (CONNECT only)
    ///   and asterisk-form (OPTIONS only).
    init(
        _ bytes: ArraySlice<UInt8>, isConnect: Bool, isOptions: Bool
    ) throws(ProtocolFailure) {
        text = String(decoding: bytes, as: UTF8.self)
        if isConnect {
            guard HostPort.isValid(bytes, needsPort: true) else { throw .malformed(.target) }
            path = ""
            query = nil
            return
        }
        if bytes.count == 1 && bytes.first == UInt8(ascii: "*") {
            guard isOptions else { throw .malformed(.target) }
            path = "*"
            query = nil
            return
        }
        var rest = bytes
        if bytes.first != UInt8(ascii: "/") {
            let (authority, isSecureScheme, remainder) = try Self.splitAbsolute(bytes)
            self.authority = authority
            self.isSecureScheme = isSecureScheme
            rest = remainder
        }
        let mark = rest.firstIndex(of: UInt8(ascii: "?"))
        let rawPath = rest[..<(mark ?? rest.endIndex)]
        if let mark {
            let rawQuery = rest[(mark + 1)...]
            try Self.checkTriplets(rawQuery)
            query = String(decoding: rawQuery, as: UTF8.self)
        } else {
            query = nil
        }
        if rawPath.isEmpty {
            // RFC 9112 §3.2.4: OPTIONS http://host is OPTIONS *.
            path = isOptions && query == nil ? "*" : "/"
        } else {
            path = try Self.normalize(rawPath)
        }
    }

    /// Holds an absolute-form target against the connection and the Host field (RFC 9110 §4.2, §7.2).
    func check(host: ArraySlice<UInt8>?, isSecure: Bool) throws(ProtocolFailure) {
        guard let authority else { return }
        // RFC 9110 §7.4: an https resource is not served over an unsecured connection.
        guard isSecure || !isSecureScheme else { throw .malformed(.target) }
        guard let host else { return }
        let port = isSecureScheme ? ":443" : ":80"
        guard HostPort.areSame(host, authority, defaultPort: port) else { throw .malformed(.host) }
    }

    private static func splitAbsolute(
        _ bytes: ArraySlice<UInt8>
    ) throws(ProtocolFailure) -> (ArraySlice<UInt8>, isSecure: Bool, ArraySlice<UInt8>) {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed(.target) }
        let scheme = bytes[..<colon]
        let isSecure = ASCII.equals(scheme, ignoringCase: "https")
        guard isSecure || ASCII.equals(scheme, ignoringCase: "http"),
            bytes[colon...].starts(with: "://".utf8)
        else { throw .malformed(.target) }
        let afterScheme = bytes[(colon + 3)...]
        let end =
            afterScheme.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            ?? afterScheme.endIndex
        let authority = afterScheme[..<end]
        // User information is refused too (RFC 9110 §4.2.4): "@" is in no valid host.
        guard HostPort.isValid(authority, needsPort: false) else { throw .malformed(.target) }
        return (authority, isSecure, afterScheme[end...])
    }

    /// Brackets belong to IPv6 literals only, and every "%" to a triplet.
    private static func checkTriplets(_ bytes: ArraySlice<UInt8>) throws(ProtocolFailure) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "["), UInt8(ascii: "]"): throw .malformed(.target)
            case UInt8(ascii: "%"):
                guard bytes.endIndex - index > 2, ASCII.isHexDigit(bytes[index + 1]),
                    ASCII.isHexDigit(bytes[index + 2])
                else { throw .malformed(.target) }
                index += 3
            default: index += 1
            }
        }
    }

    /// Decodes unreserved characters and refuses paths that no text is behind.
    ///
    /// A control character or bytes that are no UTF-8, encoded, are refused: they only ever aim at
    /// somebody who decodes later.
    private static func normalize(_ bytes: ArraySlice<UInt8>) throws(ProtocolFailure) -> String {
        try checkTriplets(bytes)
        guard bytes.contains(UInt8(ascii: "%")) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var normalized: [UInt8] = []
        var decoded: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "%"), let high = ASCII.hexValue(bytes[index + 1]),
                let low = ASCII.hexValue(bytes[index + 2])
            else {
                normalized.append(bytes[index])
                decoded.append(bytes[index])
                index += 1
                continue
            }
            let byte = high << 4 | low
            guard byte >= 0x20 && byte != 0x7F else { throw .malformed(.target) }
            decoded.append(byte)
            if ASCII.isUnreserved(byte) {
                normalized.append(byte)
            } else {
                normalized.append(contentsOf: bytes[index..<(index + 3)])
            }
            index += 3
        }
        guard String(validating: decoded, as: UTF8.self) != nil else { throw .malformed(.target) }
        return String(decoding: normalized, as: UTF8.self)
    }
}
