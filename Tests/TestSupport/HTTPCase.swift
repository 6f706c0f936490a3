/// One row of the conformance table `Tests/Fixtures/http/cases.tsv`; its ORIGIN.md has the format.
package struct HTTPCase: Sendable, CustomStringConvertible {
    package enum Outcome: Hashable, Sendable {
        /// The route's own status: the request is well-formed.
        case route
        case status(Int)
        /// No answer, 400, or 408; and closed.
        case close
    }

    package let name: String
    package let outcome: Outcome
    package let staysOpen: Bool
    package let options: [String: String]
    package let bytes: [UInt8]

    package var description: String { name }

    package func number(_ option: String) -> Int? { options[option].flatMap { Int($0) } }

    package func has(_ option: String) -> Bool { options[option] != nil }

    package static func all() throws -> [HTTPCase] {
        try Fixture.lines("http/cases.tsv").map { line in
            let columns = line.split(
                separator: UInt8(ascii: "\t"), maxSplits: 4, omittingEmptySubsequences: false)
            let text = columns.prefix(4).map { String(decoding: $0, as: UTF8.self) }
            var options: [String: String] = [:]
            for option in text[3].split(separator: " ") where option != "-" {
                let parts = option.split(separator: "=", maxSplits: 1)
                options[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
            }
            let outcome: Outcome =
                switch text[1] {
                case "route": .route
                case "close": .close
                default: .status(Int(text[1]) ?? 0)
                }
            return HTTPCase(
                name: text[0], outcome: outcome, staysOpen: text[2] == "open", options: options,
                bytes: unescape(columns[4]))
        }
    }

    private static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var repetition: (count: Int, start: Int)?
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == UInt8(ascii: "\\") else {
                bytes.append(text[index])
                index += 1
                continue
            }
            index += 2
            switch text[index - 1] {
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "x"):
                let digits = String(decoding: text[index..<(index + 2)], as: UTF8.self)
                bytes.append(UInt8(digits, radix: 16) ?? 0)
                index += 2
            case UInt8(ascii: "("):
                let colon = text[index...].firstIndex(of: UInt8(ascii: ":")) ?? index
                let count = Int(String(decoding: text[index..<colon], as: UTF8.self)) ?? 0
                repetition = (count, bytes.count)
                index = colon + 1
            case UInt8(ascii: ")"):
                guard let (count, start) = repetition else { break }
                let unit = Array(bytes[start...])
                for _ in 1..<count { bytes += unit }
                repetition = nil
            default: bytes.append(text[index - 1])
            }
        }
        return bytes
    }
}
