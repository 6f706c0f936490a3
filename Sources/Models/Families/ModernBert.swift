import Kernels

extension ModelFamily {
    /// ModernBERT (Warner et al., 2024): norms first, gated feed-forward blocks, rotary positions, and
    /// attention to near tokens alone in two of three layers.
    static let modernBert = ModelFamily(
        modelTypes: ["modernbert"],
        prefixes: ["model."],
        reading: { file throws(ModelError) in
            var keys = ConfigurationKeys()
            keys.activation = "hidden_activation"
            keys.layerNormEpsilon = "norm_eps"
            keys.tokenTypeCount = nil
            let model = try ModelConfiguration(
                file, keys: keys, defaults: .init(layerNormEpsilon: 1e-5))
            var encoder = EncoderConfiguration(withoutTable: model)
            encoder.normPlacement = .before
            encoder.skipsFirstNorm = true
            encoder.gating = .gateFirst
            encoder.names = .modernBert
            try setAttention(&encoder, file, model)
            return model.computed(by: encoder)
        })

    /// Global and local layers, each kind with a theta of its own.
    private static func setAttention(
        _ encoder: inout EncoderConfiguration, _ file: ConfigurationFile,
        _ model: ModelConfiguration
    ) throws(ModelError) {
        let window = try file.integer("local_attention", in: 2...ModelConfiguration.Limit.positions)
        let radius = (window ?? 128) / 2
        var rotary = RotaryPositions.Defaults(
            headSize: encoder.headSize,
            base: try file.number("global_rope_theta", in: 1...1e12) ?? 160_000,
            positions: model.positionCount ?? 8_192)
        let full = try RotaryPositions(file, rotary, layerType: "full_attention")
        rotary.base = try file.number("local_rope_theta", in: 1...1e12) ?? 10_000
        let local = try RotaryPositions(file, rotary, layerType: "sliding_attention")
        encoder.patterns = [
            AttentionPattern(rotary: full),
            AttentionPattern(
                window: AttentionWindow(behind: radius, ahead: radius), rotary: local),
        ]
        let every = try file.integer("global_attn_every_n_layers", in: 1...1_024) ?? 3
        encoder.patternOfLayer = try layerPatterns(file, count: model.layerCount) {
            $0 % every == 0 ? 0 : 1
        }
    }

    /// For each layer 0 for full attention and 1 for attention in a window, as `layer_types` or
    /// `fallback` says.
    static func layerPatterns(
        _ file: ConfigurationFile, count: Int, fallback: (Int) -> Int
    ) throws(ModelError) -> [Int] {
        guard let types = try file.texts("layer_types") else { return (0..<count).map(fallback) }
        guard types.count == count else {
            throw .inconsistent(
                file: file.path, field: "layer_types",
                reason: "names \(types.count) layers, and there are \(count)")
        }
        let known = ["full_attention", "sliding_attention"]
        var patterns: [Int] = []
        for type in types {
            guard let pattern = known.firstIndex(of: type) else {
                throw file.unsupported("layer_types", type, supported: known)
            }
            patterns.append(pattern)
        }
        return patterns
    }
}

extension EncoderTensorNames {
    fileprivate static let modernBert: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.wordEmbeddings = "embeddings.tok_embeddings"
        names.embeddingNorm = "embeddings.norm"
        names.layerPrefix = "layers."
        names.queryKeyValue = "attn.Wqkv"
        names.attentionOutput = "attn.Wo"
        names.attentionNorm = "attn_norm"
        names.intermediate = "mlp.Wi"
        names.output = "mlp.Wo"
        names.outputNorm = "mlp_norm"
        names.finalNorm = "final_norm"
        return names
    }()
}
