/// Turns text into token ids exactly as the reference library does for the same `tokenizer.json`.
///
/// Immutable after loading, so one value serves every thread.
package struct Tokenizer: Sendable {
    /// Highest id plus one, added tokens included.
    package var vocabularySize: Int { 0 }
    /// The model's limit from `tokenizer_config.json`; nil when it states none (above 1e20).
    package var modelMaxLength: Int? { nil }
    /// Number of special tokens which the post-processor adds to a single text.
    package var addedTokenCount: Int { 0 }
    /// Components in words, such as `WordPiece, 30522 tokens, lowercase`.
    package var summary: String { "" }

    /// Loads the files of a model folder.
    ///
    /// - Parameters:
    ///   - tokenizerJSON: contents of `tokenizer.json`.
    ///   - tokenizerConfiguration: contents of `tokenizer_config.json`, if there is one.
    package init(tokenizerJSON: [UInt8], tokenizerConfiguration: [UInt8]?)
        throws(TokenizerFileError)
    {
        throw TokenizerFileError(field: "", reason: "not loadable yet")
    }

    /// Encodes one text, cut on the right to `maxLength` tokens, special tokens kept.
    package func encode(
        _ text: String, maxLength: Int? = nil, addSpecialTokens: Bool = true
    ) -> Encoding {
        Encoding()
    }

    /// Ids of one text with special tokens, without offsets: the same ids as `encode`, sooner.
    package func tokenIDs(
        _ text: String, maxLength: Int? = nil
    ) -> (ids: [Int32], isTruncated: Bool) {
        ([], false)
    }

    /// Adds the special tokens of a single text to ids which came without them.
    package func wrap(ids: [Int32]) -> [Int32] { ids }

    /// The token's text as it stands in the vocabulary.
    package func token(for id: Int32) -> String? { nil }

    /// The id of a token spelled exactly so, byte for byte.
    package func id(for token: String) -> Int32? { nil }
}
