/// The Accept-Encoding field (RFC 9110 §12.5.3).
package enum AcceptEncoding {
    /// Whether a client with these fields accepts gzip, and not less than plain content.
    package static func acceptsGzip(_ fields: HTTPFields) -> Bool {
        var gzip: Int?
        var identity: Int?
        var other: Int?
        for value in fields.values(of: "accept-encoding") {
            for element in value.listElements() where !element.isEmpty {
                let parts = element.split(
                    separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
                let coding = parts[0].trimmingBlanks()
                let weight = parts.count > 1 ? weight(parts[1]) : 1_000
                if ASCII.equals(coding, ignoringCase: "gzip")
                    || ASCII.equals(coding, ignoringCase: "x-gzip")
                {
                    gzip = weight
                } else if ASCII.equals(coding, ignoringCase: "identity") {
                    identity = weight
                } else if coding.elementsEqual([UInt8(ascii: "*")]) {
                    other = weight
                }
            }
        }
        let accepted = gzip ?? other ?? 0
        return accepted > 0 && accepted >= identity ?? 0
    }

    /// `q=0.8` in thousandths; 0, the cautious reading, for anything else (RFC 9110 §12.4.2).
    private static func weight(_ parameter: ArraySlice<UInt8>) -> Int {
        let parameter = Array(parameter.trimmingBlanks())
        guard parameter.count >= 3, parameter.count <= 7,
            ASCII.lowercased(parameter[0]) == UInt8(ascii: "q"), parameter[1] == UInt8(ascii: "="),
            parameter[2] == 0x30 || parameter[2] == 0x31
        else { return 0 }
        let digits = parameter.dropFirst(3)
        guard let point = digits.first else { return parameter[2] == 0x31 ? 1_000 : 0 }
        guard point == UInt8(ascii: "."), digits.dropFirst().allSatisfy(ASCII.isDigit) else {
            return 0
        }
        var thousandths = 0
        var place = 100
        for digit in digits.dropFirst() {
            thousandths += Int(digit - 0x30) * place
            place /= 10
        }
        return min(Int(parameter[2] - 0x30) * 1_000 + thousandths, 1_000)
    }
}
