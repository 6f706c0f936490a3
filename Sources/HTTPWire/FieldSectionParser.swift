/// Reads field lines up to and with the empty line, in any pieces (RFC 9112 §5).
///
/// Strict where the RFC leaves a choice: CRLF only, no folding, no white space before the colon. It
/// owns the bytes it has seen; `storage` may begin with others, such as the request line's.
struct FieldSectionParser: Sendable {
    private enum State: Sendable {
        case lineStart
        case name
        case beforeValue
        case value
        case lineEnd
        case sectionEnd
    }

    var storage: [UInt8] = []
    private(set) var lines: [HTTPFields.Line] = []
    private var state = State.lineStart
    private var line = HTTPFields.Line(nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)
    private var bytesSeen = 0
    private let bytesMaximum: Int
    private let countMaximum: Int
    private let malformation: ProtocolFailure.Malformation

    init(limits: HTTPLimits, malformation: ProtocolFailure.Malformation) {
        bytesMaximum = limits.fieldBytesMaximum
        countMaximum = limits.fieldCountMaximum
        self.malformation = malformation
    }

    /// Makes room for a section of about so many bytes.
    mutating func reserve(bytes: Int) {
        storage.reserveCapacity(bytes)
        lines.reserveCapacity(8)
    }

    /// Reads from the front of `range`, which it shortens; true when the section is complete.
    ///
    /// Whatever the pieces, the same byte is the one that fails.
    mutating func parse(
        _ input: [UInt8], _ range: inout Range<Int>
    ) throws(ProtocolFailure) -> Bool {
        let start = range.lowerBound
        // One byte beyond what is allowed is looked at, so that it fails as too large.
        let end = min(range.upperBound, start + (bytesMaximum - bytesSeen) + 1)
        let base = storage.count - start
        var index = start
        var isComplete = false
        let bytes = input.span

        while index < end && !isComplete {
            guard bytesSeen + (index - start) < bytesMaximum else { throw .fieldsTooLarge }
            let byte = bytes[index]
            switch state {
            case .lineStart:
                if byte == ASCII.carriageReturn {
                    state = .sectionEnd
                } else {
                    guard ASCII.isTokenCharacter(byte) else { throw .malformed(malformation) }
                    guard lines.count < countMaximum else { throw .fieldsTooLarge }
                    line.nameStart = Int32(base + index)
                    state = .name
                }
                index += 1
            case .name:
                let stop = min(end, start + (bytesMaximum - bytesSeen))
                while index < stop && ASCII.isTokenCharacter(bytes[index]) { index += 1 }
                guard index < stop else { continue }
                guard bytes[index] == UInt8(ascii: ":") else { throw .malformed(malformation) }
                line.nameEnd = Int32(base + index)
                state = .beforeValue
                index += 1
            case .beforeValue:
                if byte == ASCII.space || byte == ASCII.tab {
                    index += 1
                } else {
                    line.valueStart = Int32(base + index)
                    state = .value
                }
            case .value:
                let stop = min(end, start + (bytesMaximum - bytesSeen))
                while index < stop && ASCII.isFieldValueByte(bytes[index]) { index += 1 }
                guard index < stop else { continue }
                guard bytes[index] == ASCII.carriageReturn else { throw .malformed(malformation) }
                line.valueEnd = Int32(base + index)
                state = .lineEnd
                index += 1
            case .lineEnd:
                guard byte == ASCII.lineFeed else { throw .malformed(malformation) }
                lines.append(line)
                state = .lineStart
                index += 1
            case .sectionEnd:
                guard byte == ASCII.lineFeed else { throw .malformed(malformation) }
                isComplete = true
                index += 1
            }
        }
        storage.append(contentsOf: input[start..<index])
        bytesSeen += index - start
        range = index..<range.upperBound
        return isComplete
    }

    /// The complete section, taken out, with the white space after each value cut off.
    mutating func takeFields() -> HTTPFields {
        for index in lines.indices {
            var end = lines[index].valueEnd
            while end > lines[index].valueStart,
                storage[Int(end) - 1] == ASCII.space || storage[Int(end) - 1] == ASCII.tab
            {
                end -= 1
            }
            lines[index].valueEnd = end
        }
        defer {
            storage = []
            lines = []
        }
        return HTTPFields(storage: storage, lines: lines)
    }
}
