import Kernels

/// What the families of LLaMA's line differ in, with what holds when a file does not say.
struct DecoderTraits {
    var keyValueHeads: Int?
    var headWidth: Int?
    var normEpsilon = 1e-6
    var activation = ActivationFunction.silu
    var activationKey = "hidden_act"
    /// Whether queries and keys have a norm, head by head.
    var hasHeadNorms = false
    var isCausal = true
}

extension ModelFamily {
    /// Reads the fields that LLaMA's line has in common, and gives the encoder without positions.
    static func decoder(
        _ file: ConfigurationFile, _ traits: DecoderTraits
    ) throws(ModelError) -> (model: ModelConfiguration, encoder: EncoderConfiguration) {
        var keys = ConfigurationKeys()
        keys.layerNormEpsilon = "rms_norm_eps"
        keys.tokenTypeCount = nil
        keys.activation = traits.activationKey
        let width = try file.integer("head_dim", in: 1...ModelConfiguration.Limit.width)
        keys.hasHeadWidth = (width ?? traits.headWidth) != nil
        let model = try ModelConfiguration(
            file, keys: keys,
            defaults: .init(layerNormEpsilon: traits.normEpsilon, activation: traits.activation))
        var encoder = EncoderConfiguration(withoutTable: model)
        encoder.headWidth = width ?? traits.headWidth
        encoder.keyValueHeadCount =
            try file.integer("num_key_value_heads", in: 1...ModelConfiguration.Limit.heads)
            ?? traits.keyValueHeads
        encoder.normKind = .rms
        encoder.normPlacement = .before
        encoder.normsEmbeddings = false
        encoder.gating = .separate
        encoder.names = .llama
        if traits.hasHeadNorms {
            encoder.names.queryNorm = "self_attn.q_norm"
            encoder.names.keyNorm = "self_attn.k_norm"
        }
        return (model, encoder)
    }

    /// The rotary positions of `config.json` as it stands.
    static func rotary(
        _ file: ConfigurationFile, _ model: ModelConfiguration, _ encoder: EncoderConfiguration,
        base: Double = 10_000
    ) throws(ModelError) -> RotaryPositions {
        try RotaryPositions(
            file,
            .init(headSize: encoder.headSize, base: base, positions: model.positionCount ?? 2_048))
    }

    /// Whether a token sees those behind it, by the flags in the order of the reference.
    static func isCausal(_ file: ConfigurationFile, _ fallback: Bool) throws(ModelError) -> Bool {
        if try file.flag("use_bidirectional_attention") == true { return false }
        return try file.flag("is_causal") ?? fallback
    }

    /// The keys of a query: all before it, and behind it too where attention is not causal.
    ///
    /// - Parameter size: tokens of a sliding window, the query's own among them when it is causal.
    static func window(isCausal: Bool, size: Int? = nil) -> AttentionWindow? {
        if isCausal { return AttentionWindow(behind: size.map { $0 - 1 }, ahead: 0) }
        return size.map { AttentionWindow(behind: $0, ahead: $0) }
    }

    /// The window of the layers that have one, or nil.
    static func slidingWindow(
        _ file: ConfigurationFile, default fallback: Int
    ) throws(ModelError) -> Int? {
        guard file.keys.contains("sliding_window") else { return fallback }
        return try file.integer("sliding_window", in: 1...ModelConfiguration.Limit.positions)
    }
}

extension EncoderTensorNames {
    /// The names of LLaMA's line.
    static let llama: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.wordEmbeddings = "embed_tokens"
        names.layerPrefix = "layers."
        names.query = "self_attn.q_proj"
        names.key = "self_attn.k_proj"
        names.value = "self_attn.v_proj"
        names.attentionOutput = "self_attn.o_proj"
        names.attentionNorm = "input_layernorm"
        names.gate = "mlp.gate_proj"
        names.intermediate = "mlp.up_proj"
        names.output = "mlp.down_proj"
        names.outputNorm = "post_attention_layernorm"
        names.finalNorm = "norm"
        return names
    }()
}
