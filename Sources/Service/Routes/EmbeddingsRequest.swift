import JSON

/// The body of `POST /v1/embeddings`, as OpenAI specifies it.
///
/// Source: openai/openai-openapi, schema `CreateEmbeddingRequest`. Unknown fields are ignored.
package struct EmbeddingsRequest: Equatable, Sendable {
    /// One thing to embed.
    package enum Input: Equatable, Sendable {
        case text(String)
        case tokenIDs([Int32])
    }

    /// How vectors are written.
    package enum EncodingFormat: String, CaseIterable, Sendable {
        case float, base64
    }

    package var inputs: [Input] = []
    /// Whether `input` was an array of inputs; errors then name the element.
    package var isList = false
    package var model = ""
    package var encodingFormat = EncodingFormat.float
    package var dimensions: Int?
    /// Whether too long texts are cut; nil leaves it to the service's configuration.
    package var truncate: Bool?
    /// What goes before each text.
    package var prompt = PromptChoice()
    /// What has a vector, and what becomes of long texts.
    package var context = ContextChoice()

    /// A request for the vectors of texts.
    package init(_ texts: [String], prompt: PromptChoice, context: ContextChoice) {
        inputs = texts.map(Input.text)
        isList = true
        self.prompt = prompt
        self.context = context
    }

    /// Parses and checks everything that can be checked without the model.
    package init(parsing body: [UInt8], inputsMaximum: Int) throws(APIError) {
        try APIError.parsing(body) { reader in
            try read(&reader, inputsMaximum)
        }
    }

    /// The name of an input in an error message.
    package func parameter(of index: Int) -> String {
        isList ? "input[\(index)]" : "input"
    }

    /// The components of a vector of the response, for a model whose vectors have `width`.
    ///
    /// - Throws: a 400 when more were asked for.
    func checkedDimensions(of width: Int) throws(APIError) -> Int {
        guard let dimensions else { return width }
        guard (1...width).contains(dimensions) else {
            throw .invalidValue(
                "dimensions",
                "'dimensions' must be from 1 to \(width), the model's own, not \(dimensions).")
        }
        return dimensions
    }

    private mutating func read(_ reader: inout JSONReader, _ inputsMaximum: Int) throws {
        try FieldReader.beginObject(&reader, expecting: "'model' and 'input'")
        var seen: Set<String> = []
        while let key = try reader.nextKey() {
            guard Self.fields.contains(key) else {
                try reader.skipValue()
                continue
            }
            guard seen.insert(key).inserted else {
                throw APIError.invalidValue(key, "'\(key)' is there twice.")
            }
            try readField(key, &reader, inputsMaximum)
        }
        guard seen.contains("input") else {
            throw APIError.missing("input", "send a text, or an array of texts")
        }
        guard seen.contains("model") else {
            throw APIError.missing("model", "send the name of a model; GET /v1/models lists them")
        }
        try context.check()
        if context.level == .token, dimensions != nil {
            throw APIError.invalidValue(
                "dimensions",
                "'dimensions' does not go with the level 'token': its vectors are whole.")
        }
    }

    private static let fields: Set<String> = [
        "input", "model", "encoding_format", "dimensions", "user", "truncate", "prompt",
        "prompt_name", "input_type", "level", "long_text", "chunk_tokens",
    ]

    private mutating func readField(
        _ key: String, _ reader: inout JSONReader, _ inputsMaximum: Int
    ) throws {
        switch key {
        case "input":
            try readInput(&reader, inputsMaximum)
        case "model":
            model = try FieldReader.string(key, &reader)
        case "encoding_format":
            encodingFormat = try FieldReader.choice(key, &reader) ?? encodingFormat
        case "dimensions":
            dimensions = try FieldReader.optional(key, &reader, FieldReader.wholeNumber)
        case "truncate":
            truncate = try FieldReader.optional(key, &reader, FieldReader.bool)
        case "level":
            context.level = try FieldReader.choice(key, &reader) ?? .text
        case "long_text":
            context.longText = try FieldReader.choice(key, &reader) ?? .truncate
        case "chunk_tokens":
            context.chunkTokens = try FieldReader.optional(key, &reader, FieldReader.wholeNumber)
        case "prompt":
            prompt.text = try FieldReader.optional(key, &reader, FieldReader.string)
        case "prompt_name":
            prompt.name = try FieldReader.optional(key, &reader, FieldReader.string)
        case "input_type":
            prompt.inputType = try FieldReader.choice(key, &reader)
        default:
            _ = try FieldReader.optional(key, &reader, FieldReader.string)
        }
    }
}

extension EmbeddingsRequest {
    private mutating func readInput(_ reader: inout JSONReader, _ inputsMaximum: Int) throws {
        switch try reader.peek() {
        case .string:
            inputs = [.text(try FieldReader.text("input", &reader))]
        case .array:
            try readInputArray(&reader, inputsMaximum)
        case let kind:
            throw APIError.wrongType("input", Self.expectedInput, got: kind.rawValue)
        }
    }

    private static let expectedInput =
        "a string, an array of strings, an array of token ids, or an array of arrays of token ids"
    private static let expectedElement = "a string, a token id, or an array of token ids"

    private mutating func readInputArray(
        _ reader: inout JSONReader, _ inputsMaximum: Int
    ) throws {
        try reader.beginArray()
        guard try reader.nextElement() else {
            throw APIError.invalidValue("input", "'input' must not be an empty array.")
        }
        let first = try reader.peek()
        if first == .number {
            inputs = [.tokenIDs(try readIDs(&reader, "input"))]
            return
        }
        isList = true
        repeat {
            guard inputs.count < inputsMaximum else {
                throw APIError.invalidValue(
                    "input",
                    "'input' has more than \(inputsMaximum) elements; send several requests.")
            }
            inputs.append(try readElement(&reader, like: first))
        } while try reader.nextElement()
    }

    private func readElement(
        _ reader: inout JSONReader, like first: JSONReader.Kind
    ) throws -> Input {
        let name = "input[\(inputs.count)]"
        let kind = try reader.peek()
        switch kind {
        case .string where first == kind:
            return .text(try FieldReader.text(name, &reader))
        case .array where first == kind:
            try reader.beginArray()
            guard try reader.nextElement() else {
                throw APIError.invalidValue(name, "'\(name)' must not be an empty array.")
            }
            return .tokenIDs(try readIDs(&reader, name))
        case .string, .array, .number:
            throw APIError.wrongType(
                name, "\(first.rawValue) like the first element", got: kind.rawValue)
        case .object, .bool, .null:
            throw APIError.wrongType(name, Self.expectedElement, got: kind.rawValue)
        }
    }

    /// The rest of an array of token ids, whose first element is next.
    private func readIDs(_ reader: inout JSONReader, _ name: String) throws -> [Int32] {
        var ids: [Int32] = []
        repeat {
            let kind = try reader.peek()
            guard kind == .number else {
                throw APIError.wrongType(
                    "\(name)[\(ids.count)]", "a token id like the first element", got: kind.rawValue
                )
            }
            let number = try reader.readNumber()
            guard let id = number.whole.flatMap(Int32.init(exactly:)), id >= 0 else {
                throw APIError.invalidValue(
                    "\(name)[\(ids.count)]",
                    "'\(name)[\(ids.count)]' must be a token id: a whole number, not negative.")
            }
            ids.append(id)
        } while try reader.nextElement()
        return ids
    }
}
