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
        json.raw(#"{"object":"list","data":["#)
        for (index, vector) in vectors.enumerated() {
            if index > 0 { json.raw(",") }
            json.raw(#"{"object":"embedding","index":"#)
            json.number(index)
            json.raw(#","embedding":"#)
            write(vector[...], to: &json)
            json.raw("}")
        }
        end(&json)
        return json.bytes
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
