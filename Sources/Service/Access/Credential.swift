import HTTPWire

/// The key that a request shows, if it shows one.
package enum Credential: Hashable, Sendable {
    case none
    /// There is something, but it cannot be a key.
    case malformed
    case key(ArraySlice<UInt8>)

    /// Longer ones are refused unread.
    package static let bytesMaximum = 512

    /// Reads `Authorization: Bearer KEY` (RFC 6750 §2.1), else `x-api-key: KEY`.
    ///
    /// A proxy's own `Authorization` of another scheme leaves the room to `x-api-key`. The parser
    /// has seen to it that there is at most one Authorization line.
    package init(_ fields: HTTPFields) {
        if let authorization = fields.bytes(of: "authorization") {
            let scheme = authorization.prefix { $0 != 0x20 }
            if ASCII.equals(scheme, ignoringCase: "bearer") {
                self = Self.checked(authorization.dropFirst(scheme.count).drop { $0 == 0x20 })
                return
            }
        }
        let values = fields.values(of: "x-api-key")
        if let value = values.first {
            self = values.count == 1 ? Self.checked(value) : .malformed
        } else {
            self = fields.contains("authorization") ? .malformed : .none
        }
    }

    /// Visible ASCII of a sensible length.
    private static func checked(_ bytes: ArraySlice<UInt8>) -> Credential {
        let isSound =
            (1...bytesMaximum).contains(bytes.count)
            && bytes.allSatisfy { (0x21...0x7E).contains($0) }
        return isSound ? .key(bytes) : .malformed
    }
}
