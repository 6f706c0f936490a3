/// The syntax `uri-host [ ":" port ]` of Host, authority-form and absolute-form (RFC 3986 §3.2.2).
enum HostPort {
    /// Whether `bytes` name a host: a name, an IPv4 or bracketed IPv6 address, and a port to 65535.
    ///
    /// Stricter than the grammar: no sub-delims, no zone, not empty, and not dots alone.
    static func isValid(_ bytes: ArraySlice<UInt8>, needsPort: Bool) -> Bool {
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            return isIPv6(bytes[(bytes.startIndex + 1)..<close])
                && isPort(bytes[(close + 1)...], isNeeded: needsPort)
        }
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        return isName(bytes[..<colon]) && isPort(bytes[colon...], isNeeded: needsPort)
    }

    /// Whether two valid hosts are the same one: without case, the scheme's port left out or not
    /// (RFC 9110 §4.2.3).
    ///
    /// - Parameter defaultPort: that port behind its colon.
    static func areSame(
        _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>, defaultPort: String
    ) -> Bool {
        let (left, right) = (bare(left, defaultPort), bare(right, defaultPort))
        return left.count == right.count
            && zip(left, right).allSatisfy { ASCII.lowercased($0) == ASCII.lowercased($1) }
    }

    private static func bare(
        _ bytes: ArraySlice<UInt8>, _ defaultPort: String
    ) -> ArraySlice<UInt8> {
        if bytes.last == UInt8(ascii: ":") { return bytes.dropLast() }
        let port = defaultPort.utf8
        return bytes.suffix(port.count).elementsEqual(port) ? bytes.dropLast(port.count) : bytes
    }

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        var index = bytes.startIndex
        var isDotsAlone = true
        while index < bytes.endIndex {
            let byte = bytes[index]
            guard ASCII.isRegisteredNameByte(byte) else { return false }
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, ASCII.isHexDigit(bytes[index + 1]),
                    ASCII.isHexDigit(bytes[index + 2])
                else { return false }
                index += 2
            }
            if byte != UInt8(ascii: ".") { isDotsAlone = false }
            index += 1
        }
        return !isDotsAlone
    }

    /// Nothing, or a colon and digits (none is allowed: RFC 3986 §3.2.3).
    private static func isPort(_ bytes: ArraySlice<UInt8>, isNeeded: Bool) -> Bool {
        guard let first = bytes.first else { return !isNeeded }
        guard first == UInt8(ascii: ":") else { return false }
        let digits = bytes.dropFirst()
        guard digits.allSatisfy(ASCII.isDigit), !(isNeeded && digits.isEmpty) else { return false }
        var port = 0
        for digit in digits {
            port = port * 10 + Int(digit - 0x30)
            guard port <= 65535 else { return false }
        }
        return true
    }

    /// Eight groups of one to four hexadecimal digits, "::" for one run of zeros, IPv4 at the end.
    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        var groups = 0
        var hasGap = false
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: ":") {
                let isGap = index + 1 < bytes.endIndex && bytes[index + 1] == UInt8(ascii: ":")
                if isGap {
                    guard !hasGap else { return false }
                    hasGap = true
                    index += 2
                    continue
                }
                guard groups > 0, index + 1 < bytes.endIndex else { return false }
                // A single colon only stands between two groups.
                guard bytes[index - 1] != UInt8(ascii: ":") else { return false }
                index += 1
            }
            let end = bytes[index...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            let group = bytes[index..<end]
            if group.contains(UInt8(ascii: ".")) {
                guard end == bytes.endIndex, isIPv4(group) else { return false }
                groups += 2
            } else {
                guard (1...4).contains(group.count), group.allSatisfy(ASCII.isHexDigit) else {
                    return false
                }
                groups += 1
            }
            index = end
        }
        return hasGap ? groups < 8 : groups == 8
    }

    private static func isIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(ASCII.isDigit) else {
                    return false
                }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }
}
