/// At which level a caller wants vectors, and what to do with texts longer than the model.
package struct ContextChoice: Equatable, Sendable {
    /// What has a vector.
    package enum Level: String, CaseIterable, Sendable {
        case text, token
    }

    /// How a text longer than the model becomes vectors.
    package enum LongText: String, CaseIterable, Sendable {
        /// Its beginning is embedded.
        case truncate
        /// Chunks are embedded, and the mean of their vectors is its vector.
        case mean
        /// Chunks are embedded, each with a vector of its own.
        case chunks
        /// It is read in one pass, then each chunk's token vectors are pooled.
        case late
    }

    package var level = Level.text
    package var longText = LongText.truncate
    /// The most tokens of a chunk, special tokens and prompt not counted.
    package var chunkTokens: Int?

    package init() {}

    /// - Throws: a 400 for choices that exclude each other.
    func check() throws(APIError) {
        if level == .token, longText != .truncate {
            throw .invalidValue(
                "long_text",
                "'long_text' must be 'truncate' with the level 'token': tokens have one vector each."
            )
        }
        if chunkTokens != nil, longText == .truncate {
            throw .invalidValue(
                "chunk_tokens",
                "'chunk_tokens' goes with the 'long_text' 'mean', 'chunks' or 'late' only.")
        }
    }
}
