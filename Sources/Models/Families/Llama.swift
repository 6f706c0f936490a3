extension ModelFamily {
    /// LLaMA (Touvron et al., 2023): norms by the mean of squares before each block, rotary positions,
    /// gated feed-forward blocks, causal unless its flags say otherwise.
    static let llama = ModelFamily(
        modelTypes: ["llama"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            var (model, encoder) = try decoder(file, DecoderTraits())
            encoder.patterns = [
                AttentionPattern(
                    window: window(isCausal: try isCausal(file, true)),
                    rotary: try rotary(file, model, encoder))
            ]
            return model.computed(by: encoder)
        })

    /// EuroBERT (Boizard et al., 2025): LLaMA's layers with attention both ways.
    static let euroBert = ModelFamily(
        modelTypes: ["eurobert"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            var (model, encoder) = try decoder(file, DecoderTraits(normEpsilon: 1e-5))
            encoder.patterns = [AttentionPattern(rotary: try rotary(file, model, encoder))]
            return model.computed(by: encoder)
        })

    /// Mistral (Jiang et al., 2023): LLaMA's layers, each with a sliding window where one is set.
    static let mistral = ModelFamily(
        modelTypes: ["mistral"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            var (model, encoder) = try decoder(file, DecoderTraits(keyValueHeads: 8))
            encoder.patterns = [
                AttentionPattern(
                    window: window(
                        isCausal: try isCausal(file, true),
                        size: try slidingWindow(file, default: 4_096)),
                    rotary: try rotary(file, model, encoder))
            ]
            return model.computed(by: encoder)
        })
}
