/// Reads JSON value by value, strictly by RFC 8259, from bytes in memory.
///
/// The caller asks for what it expects, so a request becomes its own type without a tree in between:
///
///     try reader.beginObject()
///     while let key = try reader.nextKey() {
///         switch key {
///         case "input": input = try reader.readString()
///         default: try reader.skipValue()
///         }
///     }
///     try reader.end()
///
/// Stricter than the RFC asks where leniency would let two readers see two different texts: no byte
/// order mark, no invalid UTF-8, no unpaired surrogate. Depth is bounded, so no text can exhaust the
/// stack.
package struct JSONReader {
    /// What a value is, as its first byte tells.
    package enum Kind: String, Sendable {
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case number = "a number"
        case bool = "a boolean"
        case null = "null"
    }

    /// An object or array that was begun and not ended.
    private enum Container {
        case object, array
    }

    let bytes: [UInt8]
    var position = 0
    private let depthMaximum: Int
    private var containers: [Container] = []
    /// True right after `{` or `[`, where no comma is expected.
    private var isAtStart = false

    /// A reader at the start of `bytes`; deeper nesting than `depthMaximum` is an error.
    package init(_ bytes: [UInt8], depthMaximum: Int = 64) {
        self.bytes = bytes
        self.depthMaximum = depthMaximum
    }

    /// Where the reader is, in bytes.
    package var offset: Int { position }

    // MARK: Looking

    /// What the next value is, without reading it.
    package mutating func peek() throws(JSONError) -> Kind {
        skipWhitespace()
        guard position < bytes.count else { throw fail("a value is missing") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: throw fail("a value is expected")
        }
    }

    // MARK: Containers

    /// Enters an object.
    package mutating func beginObject() throws(JSONError) {
        try begin(.object, UInt8(ascii: "{"), "an object")
    }

    /// The next member's key, or nil after leaving the object; the member's value must be read next.
    package mutating func nextKey() throws(JSONError) -> String? {
        guard try advance(in: .object, closing: UInt8(ascii: "}")) else { return nil }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fail("a key in quotes is expected")
        }
        let key = try readString()
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw fail("a ':' is missing")
        }
        position += 1
        return key
    }

    /// Enters an array.
    package mutating func beginArray() throws(JSONError) {
        try begin(.array, UInt8(ascii: "["), "an array")
    }

    /// Whether the array has another element, which must be read next; false leaves the array.
    package mutating func nextElement() throws(JSONError) -> Bool {
        try advance(in: .array, closing: UInt8(ascii: "]"))
    }

    /// Checks that nothing but white space follows the value that was read.
    package mutating func end() throws(JSONError) {
        precondition(containers.isEmpty, "an object or array was not read to its end")
        skipWhitespace()
        guard position == bytes.count else { throw fail("something follows the value") }
    }

    private mutating func begin(
        _ container: Container, _ opening: UInt8, _ name: String
    ) throws(JSONError) {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == opening else {
            throw fail("\(name) is expected")
        }
        guard containers.count < depthMaximum else {
            throw fail("nested deeper than \(depthMaximum) levels")
        }
        position += 1
        containers.append(container)
        isAtStart = true
    }

    private mutating func advance(
        in container: Container, closing: UInt8
    ) throws(JSONError) -> Bool {
        precondition(containers.last == container, "not inside this kind of container")
        skipWhitespace()
        guard position < bytes.count else { throw fail("the text ends too early") }
        if bytes[position] == closing {
            position += 1
            containers.removeLast()
            isAtStart = false
            return false
        }
        if !isAtStart {
            guard bytes[position] == UInt8(ascii: ",") else {
                throw fail("a ',' or '\(Character(Unicode.Scalar(closing)))' is missing")
            }
            position += 1
            skipWhitespace()
        }
        isAtStart = false
        return true
    }

    // MARK: Scalars

    /// Reads `true` or `false`.
    package mutating func readBool() throws(JSONError) -> Bool {
        skipWhitespace()
        if take("true") { return true }
        if take("false") { return false }
        throw fail("true or false is expected")
    }

    /// Reads `null`.
    package mutating func readNull() throws(JSONError) {
        skipWhitespace()
        guard take("null") else { throw fail("null is expected") }
    }

    /// Reads a number, by the grammar of RFC 8259 §6.
    package mutating func readNumber() throws(JSONError) -> JSONNumber {
        skipWhitespace()
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try readDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try readDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            try readDigits()
        }
        return JSONNumber(text: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func readDigits() throws(JSONError) {
        let start = position
        while position < bytes.count,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
        {
            position += 1
        }
        guard position > start else { throw fail("a digit is expected") }
    }

    // MARK: Anything

    /// Reads over one value of any kind, as strictly as if it were wanted.
    package mutating func skipValue() throws(JSONError) {
        let depth = containers.count
        repeat {
            if containers.count > depth {
                let isObject = containers.last == .object
                guard try isObject ? nextKey() != nil : nextElement() else { continue }
            }
            switch try peek() {
            case .object: try beginObject()
            case .array: try beginArray()
            case .string: _ = try readString()
            case .number: _ = try readNumber()
            case .bool: _ = try readBool()
            case .null: try readNull()
            }
        } while containers.count > depth
    }

    // MARK: Bytes

    func fail(_ problem: String) -> JSONError {
        JSONError(problem, at: position)
    }

    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        let isEqual = word.withUTF8Buffer { $0.elementsEqual(bytes[position..<end]) }
        if isEqual { position = end }
        return isEqual
    }
}
