import JSON

/// Reads one field of a request; a wrong type becomes an error that names the field.
enum FieldReader {
    /// Enters the body's object.
    static func beginObject(_ reader: inout JSONReader, expecting fields: String) throws {
        let kind = try reader.peek()
        guard kind == .object else {
            throw APIError(
                .badRequest, .invalidType,
                "The body must be a JSON object with \(fields), not \(kind.rawValue).")
        }
        try reader.beginObject()
    }

    /// The field's value, or nil for null.
    static func optional<Value>(
        _ name: String, _ reader: inout JSONReader,
        _ read: (String, inout JSONReader) throws -> Value
    ) throws -> Value? {
        guard try reader.peek() != .null else {
            try reader.readNull()
            return nil
        }
        return try read(name, &reader)
    }

    static func string(_ name: String, _ reader: inout JSONReader) throws -> String {
        try expect(.string, name, &reader)
        return try reader.readString()
    }

    /// A string that is not empty.
    static func text(_ name: String, _ reader: inout JSONReader) throws -> String {
        let text = try string(name, &reader)
        if text.isEmpty {
            throw APIError.invalidValue(name, "'\(name)' must not be an empty string.")
        }
        return text
    }

    /// One of the names of `Choice`, or nil for null.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ reader: inout JSONReader
    ) throws -> Choice? {
        guard let text = try optional(name, &reader, string) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map { "'\($0.rawValue)'" }
            let list = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
            throw APIError.invalidValue(
                name, "'\(name)' must be \(list), not '\(text.prefix(64))'.")
        }
        return choice
    }

    static func bool(_ name: String, _ reader: inout JSONReader) throws -> Bool {
        try expect(.bool, name, &reader)
        return try reader.readBool()
    }

    /// A whole number, however it is written: `2.0` is one to JSON Schema and to JavaScript.
    static func wholeNumber(_ name: String, _ reader: inout JSONReader) throws -> Int {
        try expect(.number, name, &reader)
        guard let value = try reader.readNumber().whole else {
            throw APIError.invalidValue(name, "'\(name)' must be a whole number.")
        }
        return value
    }

    private static func expect(
        _ kind: JSONReader.Kind, _ name: String, _ reader: inout JSONReader
    ) throws {
        let got = try reader.peek()
        guard got == kind else {
            throw APIError.wrongType(name, kind.rawValue, got: got.rawValue)
        }
    }
}

extension APIError {
    /// Reads a whole body; what is not JSON becomes an error of the API.
    static func parsing(
        _ body: [UInt8], _ read: (inout JSONReader) throws -> Void
    ) throws(APIError) {
        var reader = JSONReader(body)
        do {
            try read(&reader)
            try reader.end()
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidJSON("\(error)")
        }
    }
}

extension JSONNumber {
    /// The number if it is whole and fits, be it written with a fraction of zero or an exponent.
    var whole: Int? { int ?? Int(exactly: double) }
}
