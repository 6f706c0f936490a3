/// A JSON value as a tree, for files whose shape is open: configurations, headers.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Parses a whole text.
    ///
    /// - Throws: ``JSONError``, also for a key that occurs twice in one object: readers disagree
    ///   about which one counts.
    package init(parsing bytes: [UInt8], depthMaximum: Int = 64) throws(JSONError) {
        var reader = JSONReader(bytes, depthMaximum: depthMaximum)
        self = try JSONValue(from: &reader)
        try reader.end()
    }

    /// Reads the next value; recursion is bounded by the reader's depth.
    package init(from reader: inout JSONReader) throws(JSONError) {
        switch try reader.peek() {
        case .null:
            try reader.readNull()
            self = .null
        case .bool: self = .bool(try reader.readBool())
        case .number: self = .number(try reader.readNumber())
        case .string: self = .string(try reader.readString())
        case .array:
            var elements: [JSONValue] = []
            try reader.beginArray()
            while try reader.nextElement() {
                elements.append(try JSONValue(from: &reader))
            }
            self = .array(elements)
        case .object: self = .object(try JSONObject(from: &reader))
        }
    }

    /// What the value is, as the middle of a sentence: `an array`.
    package var kind: JSONReader.Kind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value when it is a whole number that fits.
    package var int: Int? {
        if case .number(let number) = self { number.int } else { nil }
    }

    package var double: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }
}

/// The members of a JSON object, in their order, found by the bytes of their keys.
///
/// Swift's `String` treats canonically equivalent texts as equal; a file's keys are bytes.
package struct JSONObject: Equatable, Sendable {
    /// One `"key": value`.
    package struct Member: Equatable, Sendable {
        package var key: String
        package var value: JSONValue
    }

    package private(set) var members: [Member] = []
    private var positions: [Key: Int] = [:]

    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            for byte in text.utf8 { hasher.combine(byte) }
        }
    }

    package init() {}

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            guard positions.updateValue(members.count, forKey: Key(text: key)) == nil else {
                throw reader.fail("the key '\(key)' is there twice")
            }
            members.append(Member(key: key, value: try JSONValue(from: &reader)))
        }
    }

    /// The value of `key`, or nil.
    package subscript(key: String) -> JSONValue? {
        positions[Key(text: key)].map { members[$0].value }
    }
}
