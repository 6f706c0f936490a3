extension ModelFamily {
    /// Qwen2 (Yang et al., 2024): LLaMA's layers with biases of queries, keys and values.
    ///
    /// `is_causal: false` (gte-Qwen2) lets each token see those behind it.
    static let qwen2 = ModelFamily(
        modelTypes: ["qwen2"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            try qwen(file, DecoderTraits(keyValueHeads: 32))
        })

    /// Qwen3 (Yang et al., 2025): without those biases, with norms of each head's queries and keys.
    static let qwen3 = ModelFamily(
        modelTypes: ["qwen3"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            try qwen(
                file, DecoderTraits(keyValueHeads: 32, headWidth: 128, hasHeadNorms: true))
        })

    private static func qwen(
        _ file: ConfigurationFile, _ traits: DecoderTraits
    ) throws(ModelError) -> ModelConfiguration {
        var (model, encoder) = try decoder(file, traits)
        let isCausal = try isCausal(file, true)
        let rotary = try rotary(file, model, encoder)
        encoder.patterns = [AttentionPattern(window: window(isCausal: isCausal), rotary: rotary)]
        let slides = try file.flag("use_sliding_window") ?? false
        if slides, let size = try slidingWindow(file, default: 4_096) {
            encoder.patterns.append(
                AttentionPattern(window: window(isCausal: isCausal, size: size), rotary: rotary))
            let first = try file.integer("max_window_layers", in: 0...1_024) ?? 28
            encoder.patternOfLayer = try layerPatterns(file, count: model.layerCount) {
                $0 >= first ? 1 : 0
            }
        }
        return model.computed(by: encoder)
    }
}
