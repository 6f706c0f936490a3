import HTTPWire

/// Which coding of a response a client wants, by its Accept-Encoding (RFC 9110 §12.5.3).
package enum ResponseCoding: Hashable, Sendable {
    /// Without coding: the client prefers it, cannot read gzip, has not said, or refuses everything.
    case identity
    /// gzip where it is worth it.
    case gzip
    /// gzip whatever the size: the client refuses content without coding.
    case gzipOnly

    /// The choice for a request with these fields.
    ///
    /// A client that sends no Accept-Encoding gets no coding, although it has not refused one. A
    /// member of the list that is no valid coding with a weight is passed over. Where neither coding
    /// is acceptable the answer is sent as it is, which the RFC prefers to 406.
    package init(_ fields: HTTPFields) {
        var weights = Weights()
        for value in fields.values(of: "accept-encoding") {
            for member in value.split(separator: UInt8(ascii: ",")) { weights.add(member) }
        }
        let gzip = weights.gzip ?? weights.any ?? 0
        // Identity is acceptable unless it, or "*" without it, has the weight 0; and preferred to
        // gzip only when it is named with more weight.
        let identity = weights.identity ?? (weights.any == 0 ? 0 : nil)
        if gzip == 0 {
            self = .identity
        } else if identity == 0 {
            self = .gzipOnly
        } else {
            self = gzip >= identity ?? 0 ? .gzip : .identity
        }
    }
}

/// The weights that a list gives to the codings that matter here, in thousandths.
private struct Weights {
    var gzip: Int?
    var identity: Int?
    var any: Int?

    /// Reads `codings [ weight ]`; of a coding that is listed twice the greater weight counts.
    mutating func add(_ member: ArraySlice<UInt8>) {
        let parts = member.split(
            separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let weight = parts.count == 2 ? Self.weight(trimmed(parts[1])) : 1000 else { return }
        let coding = trimmed(parts[0])
        if ASCII.equals(coding, ignoringCase: "gzip")
            || ASCII.equals(coding, ignoringCase: "x-gzip")
        {
            gzip = max(gzip ?? 0, weight)
        } else if ASCII.equals(coding, ignoringCase: "identity") {
            identity = max(identity ?? 0, weight)
        } else if ASCII.equals(coding, ignoringCase: "*") {
            any = max(any ?? 0, weight)
        }
    }

    /// `"q=" qvalue` in thousandths (RFC 9110 §12.4.2): 0 to 1 with at most three decimals.
    private static func weight(_ text: ArraySlice<UInt8>) -> Int? {
        guard ASCII.equals(text.prefix(2), ignoringCase: "q=") else { return nil }
        let value = text.dropFirst(2)
        guard let first = value.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1")
        else { return nil }
        var decimals = value.dropFirst()
        if !decimals.isEmpty {
            guard decimals.removeFirst() == UInt8(ascii: "."), decimals.count <= 3 else {
                return nil
            }
        }
        var weight = first == UInt8(ascii: "1") ? 1000 : 0
        var place = 100
        for digit in decimals {
            guard ASCII.isDigit(digit) else { return nil }
            weight += Int(digit - UInt8(ascii: "0")) * place
            place /= 10
        }
        return weight <= 1000 ? weight : nil
    }

    private func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == ASCII.space || byte == ASCII.tab }
        let start = text.drop(while: isSpace)
        return start.dropLast(start.reversed().prefix(while: isSpace).count)
    }
}
