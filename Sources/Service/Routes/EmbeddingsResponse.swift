import JSON

/// The body of the answer to `POST /v1/embeddings`.
///
/// Source: openai/openai-openapi, schema `CreateEmbeddingResponse`.
package struct EmbeddingsResponse: Sendable {
    /// The model's name as the request had it.
    var model: String
    var format: EmbeddingsRequest.EncodingFormat
    /// Components of each vector; fewer than the model's own are cut and normalised again.
    var dimensions: Int
    /// Tokens of all inputs, after truncation and with special tokens.
    var tokens: Int

    /// What each input became; empty where each is one vector.
    var layouts: [InputLayout] = []
    /// Whether the model's vectors have length 1, so that a mean of them is scaled to it.
    var normalizes = false

    package init(
        model: String, format: EmbeddingsRequest.EncodingFormat, dimensions: Int, tokens: Int
    ) {
        self.model = model
        self.format = format
        self.dimensions = dimensions
        self.tokens = tokens
    }

    init(
        model: String, format: EmbeddingsRequest.EncodingFormat, dimensions: Int, tokens: Int,
        layouts: [InputLayout], normalizes: Bool
    ) {
        self.init(model: model, format: format, dimensions: dimensions, tokens: tokens)
        self.layouts = layouts
        self.normalizes = normalizes
    }

    /// The body for the rows of every item of work, in order.
    package func body(_ vectors: [[Float]]) -> [UInt8] {
        guard layouts.isEmpty else { return body(of: vectors) }
        let bytesPerVector = dimensions * (format == .float ? 13 : 6) + 64
        // A vector of floats is written in place, with room for the longest text of each number.
        let spare = format == .float ? dimensions * 3 : 0
        var json = JSONWriter(capacity: vectors.count * bytesPerVector + spare + 256)
        begin(&json)
        write(vectors, from: 0, to: &json)
        end(&json)
        return json.bytes
    }

    /// The part of the body for a slice of the inputs, of which the first is input `first`.
    ///
    /// - Parameter layouts: what each input of the slice became; empty where each is one vector.
    func part(_ rows: [[Float]], layouts: [InputLayout], from first: Int) -> [UInt8] {
        var json = JSONWriter(capacity: rows.reduce(256) { $0 + $1.count * 13 + 64 })
        if layouts.isEmpty {
            write(rows, from: first, to: &json)
        } else {
            var slice = self
            slice.layouts = layouts
            slice.writeInputs(rows, from: first, to: &json)
        }
        return json.bytes
    }

    /// The body, from the parts for all slices in order.
    func body(of parts: [[UInt8]]) -> [UInt8] {
        var (head, tail) = (JSONWriter(), JSONWriter())
        begin(&head)
        end(&tail)
        var body: [UInt8] = []
        body.reserveCapacity(parts.reduce(head.bytes.count + tail.bytes.count) { $0 + $1.count })
        body += head.bytes
        for part in parts { body += part }
        body += tail.bytes
        return body
    }

    /// Writes the start of the body, before the first input.
    func begin(_ json: inout JSONWriter) {
        json.raw(#"{"object":"list","data":["#)
    }

    /// Writes a vector for each input, of which the first is input `first`.
    private func write(_ vectors: [[Float]], from first: Int, to json: inout JSONWriter) {
        for (index, vector) in vectors.enumerated() {
            if first + index > 0 { json.raw(",") }
            json.raw(#"{"object":"embedding","index":"#)
            json.number(first + index)
            json.raw(#","embedding":"#)
            write(vector[...], to: &json)
            json.raw("}")
        }
    }

    /// Writes the rest of the body, behind the last input.
    func end(_ json: inout JSONWriter) {
        json.raw(#"],"model":"#)
        json.string(model)
        json.raw(#","usage":{"prompt_tokens":"#)
        json.number(tokens)
        json.raw(#","total_tokens":"#)
        json.number(tokens)
        json.raw("}}")
    }

    /// Writes a vector of the model in the format and width that were asked for.
    func write(_ vector: ArraySlice<Float>, to json: inout JSONWriter) {
        writeWhole(vector.count == dimensions ? vector : shortened(vector), to: &json)
    }

    /// Writes a vector in the format that was asked for.
    func writeWhole(_ vector: ArraySlice<Float>, to json: inout JSONWriter) {
        switch format {
        case .float: json.vector(vector)
        case .base64: json.base64Vector(vector)
        }
    }

    /// The first `dimensions` components, scaled to length 1 again.
    private func shortened(_ vector: ArraySlice<Float>) -> ArraySlice<Float> {
        Self.unit(vector.prefix(dimensions))
    }

    /// The vector at length 1; a zero vector stays zero.
    static func unit(_ head: ArraySlice<Float>) -> ArraySlice<Float> {
        let length = head.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length > 0 else { return head }
        return head.map { Float(Double($0) / length) }[...]
    }
}
