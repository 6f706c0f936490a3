/// The arithmetic that a token of a text costs; a multiplication and an addition are two.
package struct TokenOperations: Equatable, Sendable {
    /// Products with weights.
    package let products: Double
    /// Scores and weighted sums of attention.
    package let attention: Double
}

extension EncoderConfiguration {
    /// What a token of a text of `length` tokens costs, with attention over all of the text.
    package func operations(length: Int) -> TokenOperations {
        let layers = Double(layerCount)
        let weights =
            hiddenSize * mixedWidth + attentionWidth * hiddenSize + hiddenSize * innerWidth
            + intermediateSize * hiddenSize
        return TokenOperations(
            products: 2 * layers * Double(weights),
            attention: 4 * layers * Double(attentionWidth) * Double(length))
    }
}
