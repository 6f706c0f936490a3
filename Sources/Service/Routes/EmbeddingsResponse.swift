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

    package init(
        model: String, format: EmbeddingsRequest.EncodingFormat, dimensions: Int, tokens: Int
    ) {
        self.model = model
        self.format = format
        self.dimensions = dimensions
        self.tokens = tokens
    }

    /// The body for vectors in the order of the inputs.
    package func body(_ vectors: [[Float]]) -> [UInt8] {
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
            let values = vector.count == dimensions ? vector[...] : shortened(vector)
            switch format {
            case .float: json.vector(values)
            case .base64: json.base64Vector(values)
            }
            json.raw("}")
        }
        json.raw(#"],"model":"#)
        json.string(model)
        json.raw(#","usage":{"prompt_tokens":"#)
        json.number(tokens)
        json.raw(#","total_tokens":"#)
        json.number(tokens)
        json.raw("}}")
        return json.bytes
    }

    /// The first `dimensions` components, scaled to length 1 again.
    private func shortened(_ vector: [Float]) -> ArraySlice<Float> {
        let head = vector.prefix(dimensions)
        let length = head.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length > 0 else { return head }
        return head.map { Float(Double($0) / length) }[...]
    }
}
