import Batching

/// The keys of one state of the key file.
///
/// A line is `HASH [NAME] [expires=TIME] [tokens-per-minute=N] [priority=interactive|bulk]`, in any
/// order, where HASH is the SHA-256 of the key in hexadecimal digits. `#` begins a comment. Messages
/// name lines and never quote them, for a key might stand there by mistake.
package struct KeyRing: Sendable {
    package let keys: [APIKey]

    /// Many more than a service has, few enough to compare with all of them for each request.
    package static let countMaximum = 10_000

    /// A file that cannot be used.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    /// Parses the text of a file.
    package init(parsing text: [UInt8]) throws(Problem) {
        var keys: [APIKey] = []
        var lineOfDigest: [KeyDigest: Int] = [:]
        var firstOfName: [String: (key: APIKey, line: Int)] = [:]
        for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let number = index + 1
            guard let key = try Self.key(inLine: line, number: number) else { continue }
            if let earlier = lineOfDigest.updateValue(number, forKey: key.digest) {
                throw Problem(description: "line \(number): the same key as in line \(earlier)")
            }
            if let first = firstOfName[key.name] {
                guard first.key.tokensPerMinute == key.tokensPerMinute,
                    first.key.priority == key.priority
                else {
                    throw Problem(
                        description: "line \(number): has the name of line \(first.line), but "
                            + "another quota or priority; these belong to the name")
                }
            } else {
                firstOfName[key.name] = (key, number)
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw Problem(description: "has no key; 'quiver key NAME' makes one")
        }
        guard keys.count <= Self.countMaximum else {
            throw Problem(description: "has more than \(Self.countMaximum) keys")
        }
        self.keys = keys
    }

    /// The key with this digest, expired or not.
    ///
    /// Looks at every key, the same way whether it fits or not, so that the time it takes tells
    /// nothing.
    package func key(for digest: KeyDigest) -> APIKey? {
        var found = UInt64.max
        for index in keys.indices {
            let mask = keys[index].digest.equality(with: digest)
            found = (found & ~mask) | (UInt64(index) & mask)
        }
        return found == .max ? nil : keys[Int(found)]
    }

    // MARK: Lines

    private static func key(
        inLine line: ArraySlice<UInt8>, number: Int
    ) throws(Problem) -> APIKey? {
        func problem(_ text: String) -> Problem { Problem(description: "line \(number): \(text)") }

        let words = line.prefix { $0 != UInt8(ascii: "#") }
            .split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            .map { String(decoding: $0, as: UTF8.self) }
        guard !words.isEmpty else { return nil }
        let digests = words.compactMap { KeyDigest(hexadecimal: $0) }
        guard let digest = digests.first, digests.count == 1 else {
            throw problem(
                digests.isEmpty
                    ? "no SHA-256 in 64 hexadecimal digits; a key itself must not stand in this "
                        + "file: 'quiver key' makes the line"
                    : "two hashes; each key has its own line")
        }
        var key = APIKey(name: "key-\(digest.hexadecimal.prefix(8))", digest: digest)
        var seen: Set<Substring> = []
        // What sha256sum writes for its standard input is "HASH  -".
        for word in words where KeyDigest(hexadecimal: word) == nil && word != "-" {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let attribute = parts.count == 2 ? parts[0] : "name"
            guard let value = parts.last, seen.insert(attribute).inserted,
                set(attribute, value, of: &key)
            else {
                throw problem(
                    "something beside the hash is not understood; there may be one name of "
                        + "letters, digits, '.', '-', '_' and '@', expires=2027-01-31 (or with a "
                        + "time: 2027-01-31T12:00:00Z), tokens-per-minute=1 to 1000000000, and "
                        + "priority=interactive or bulk")
            }
        }
        return key
    }

    private static func set(
        _ attribute: Substring, _ value: Substring, of key: inout APIKey
    ) -> Bool {
        switch attribute {
        case "name":
            key.name = String(value)
            return APIKey.isName(value)
        case "expires":
            key.expiresAtSeconds = CalendarTime.seconds(of: value)
            return key.expiresAtSeconds != nil
        case "tokens-per-minute":
            key.tokensPerMinute = tokensPerMinute(value)
            return key.tokensPerMinute != nil
        case "priority":
            key.priority = value == "bulk" ? .bulk : .interactive
            return value == "bulk" || value == "interactive"
        default:
            return false
        }
    }

    /// A quota as it is written, in decimal digits; nil outside 1 to 1 000 000 000.
    package static func tokensPerMinute(_ text: some StringProtocol) -> Int? {
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(text),
            (1...1_000_000_000).contains(number)
        else { return nil }
        return number
    }
}
