import JSON

/// The body of `POST /tokenize`, as text-embeddings-inference takes it.
package struct TokenizeRequest: Equatable, Sendable {
    package var inputs: [String] = []
    package var addSpecialTokens = true
    /// Whose tokenizer; may be left out where there is one model.
    package var model: String?

    /// Parses and checks the body.
    package init(parsing body: [UInt8], inputsMaximum: Int) throws(APIError) {
        try APIError.parsing(body) { reader in
            try read(&reader, inputsMaximum)
        }
    }

    private mutating func read(_ reader: inout JSONReader, _ inputsMaximum: Int) throws {
        try FieldReader.beginObject(&reader, expecting: "'inputs'")
        var hasInputs = false
        while let key = try reader.nextKey() {
            switch key {
            case "inputs":
                if hasInputs { throw APIError.invalidValue(key, "'inputs' is there twice.") }
                hasInputs = true
                try readInputs(&reader, inputsMaximum)
            case "add_special_tokens":
                let value = try FieldReader.optional(key, &reader, FieldReader.bool)
                addSpecialTokens = value ?? true
            case "model":
                model = try FieldReader.optional(key, &reader, FieldReader.string)
            default:
                try reader.skipValue()
            }
        }
        guard hasInputs else {
            throw APIError.missing("inputs", "send a text, or an array of texts")
        }
    }

    private mutating func readInputs(_ reader: inout JSONReader, _ maximum: Int) throws {
        guard try reader.peek() == .array else {
            inputs = [try FieldReader.string("inputs", &reader)]
            return
        }
        try reader.beginArray()
        while try reader.nextElement() {
            guard inputs.count < maximum else {
                throw APIError.invalidValue(
                    "inputs", "'inputs' has more than \(maximum) elements; send several requests.")
            }
            inputs.append(try FieldReader.string("inputs[\(inputs.count)]", &reader))
        }
        guard !inputs.isEmpty else {
            throw APIError.invalidValue("inputs", "'inputs' must not be an empty array.")
        }
    }
}
