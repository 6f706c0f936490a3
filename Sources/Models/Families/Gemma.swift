import Kernels

extension ModelFamily {
    /// Gemma 3 text (Gemma Team, 2025) and EmbeddingGemma: norms around each block, windows and
    /// thetas by layer, causal unless `use_bidirectional_attention`.
    static let gemma3 = ModelFamily(
        modelTypes: ["gemma3_text"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            if let cap = file["attn_logit_softcapping"] {
                throw file.unsupported(
                    "attn_logit_softcapping", "\(cap.double ?? 0)", supported: ["null"])
            }
            var (model, encoder) = try decoder(
                file,
                DecoderTraits(
                    keyValueHeads: 4, headWidth: 256, activation: .geluTanh,
                    activationKey: "hidden_activation", hasHeadNorms: true))
            // Norms are stored as what is added to 1, and each block has one on either side.
            encoder.gainOffset = 1
            encoder.normPlacement = .around
            encoder.names.attentionPostNorm = "post_attention_layernorm"
            encoder.names.outputNorm = "pre_feedforward_layernorm"
            encoder.names.outputPostNorm = "post_feedforward_layernorm"
            encoder.embeddingScale = Float(model.hiddenSize).squareRoot()
            let scalar = try file.number("query_pre_attn_scalar", in: 1e-3...1e6) ?? 256
            encoder.scoreScale = Float(1 / scalar.squareRoot())
            try setAttention(&encoder, file, model)
            return model.computed(by: encoder)
        })

    private static func setAttention(
        _ encoder: inout EncoderConfiguration, _ file: ConfigurationFile,
        _ model: ModelConfiguration
    ) throws(ModelError) {
        let isCausal = try file.flag("use_bidirectional_attention") != true
        let stated = try slidingWindow(file, default: 4_096)
        // Both ways, the window is shared by the two sides.
        let size = stated.map { isCausal ? $0 : $0 / 2 }
        var defaults = RotaryPositions.Defaults(
            headSize: encoder.headSize, base: 1_000_000, positions: model.positionCount ?? 131_072)
        let full = try RotaryPositions(file, defaults, layerType: "full_attention")
        defaults.base = try file.number("rope_local_base_freq", in: 1...1e12) ?? 10_000
        // In old files, theta and scaling are those of the full layers.
        var local = RotaryPositions(width: encoder.headSize, base: defaults.base)
        if file["rope_parameters"] != nil {
            local = try RotaryPositions(file, defaults, layerType: "sliding_attention")
        }
        encoder.patterns = [
            AttentionPattern(window: window(isCausal: isCausal), rotary: full),
            AttentionPattern(window: window(isCausal: isCausal, size: size), rotary: local),
        ]
        let every = try file.integer("sliding_window_pattern", in: 1...1_024) ?? 6
        encoder.patternOfLayer = try layerPatterns(file, count: model.layerCount) {
            ($0 + 1) % every == 0 ? 0 : 1
        }
    }
}
