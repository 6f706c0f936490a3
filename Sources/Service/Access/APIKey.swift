import Batching

/// What one line of the key file grants; the key itself is not known, only its digest.
package struct APIKey: Hashable, Sendable {
    /// The client's name in logs, metrics and the queue; several keys may have it, to be rotated.
    package var name: String
    package var digest: KeyDigest
    /// In seconds since 1970, when the key is refused from; nil for never.
    package var expiresAtSeconds: Int?
    /// Tokens that all keys of this name may use in a minute; nil for any number.
    package var tokensPerMinute: Int?
    package var priority = Priority.interactive

    package init(name: String, digest: KeyDigest) {
        self.name = name
        self.digest = digest
    }

    /// Whether the key is refused at this time, in seconds since 1970.
    package func isExpired(atSeconds now: Int) -> Bool {
        expiresAtSeconds.map { now >= $0 } ?? false
    }

    /// The key as a line of the file.
    package var line: String {
        var words = [digest.hexadecimal, name]
        if let expiresAtSeconds {
            words.append("expires=\(CalendarTime.text(seconds: expiresAtSeconds))")
        }
        if let tokensPerMinute { words.append("tokens-per-minute=\(tokensPerMinute)") }
        if priority == .bulk { words.append("priority=bulk") }
        return words.joined(separator: " ")
    }

    /// Whether a text can be a client's name: 1 to 64 of `[A-Za-z0-9._@-]`, the first no sign.
    package static func isName(_ text: some StringProtocol) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
        }
        guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.count <= 64
            && text.utf8.allSatisfy { isAlphanumeric($0) || ".-_@".utf8.contains($0) }
    }
}
