import Kernels

extension ModelFamily {
    /// NomicBERT (Nussbaum et al., 2024): BERT with rotary positions and gated feed-forward blocks.
    ///
    /// Its configuration has two styles, each with tensor names of its own: that of the published
    /// code (`n_embd`) and that of the reference's class. Mixtures of experts are refused.
    static let nomicBert = ModelFamily(
        modelTypes: ["nomic_bert"],
        prefixes: ["nomic_bert.", "bert."],
        reading: { file throws(ModelError) in
            file["n_embd"] == nil ? try nomic(file) : try publishedNomic(file)
        })

    /// The style of the reference's class.
    private static func nomic(_ file: ConfigurationFile) throws(ModelError) -> ModelConfiguration {
        let model = try ModelConfiguration(
            file, defaults: .init(activation: .silu, tokenTypeCount: 2, paddingTokenID: 0))
        var encoder = EncoderConfiguration(withoutTable: model)
        encoder.headWidth = try file.integer("head_dim", in: 1...ModelConfiguration.Limit.width)
        encoder.gating = .separate
        encoder.names = .gatedPostNorm
        encoder.otherSpellings = [
            TensorSpelling(names: .publishedNomic(isGated: true), gating: .separate)
        ]
        encoder.patterns = [
            AttentionPattern(
                rotary: try RotaryPositions(
                    file,
                    .init(
                        headSize: encoder.headSize, base: 1_000,
                        positions: model.positionCount ?? 2_048)))
        ]
        return model.computed(by: encoder)
    }

    /// The style of the published code.
    private static func publishedNomic(
        _ file: ConfigurationFile
    ) throws(ModelError) -> ModelConfiguration {
        for key in ["prenorm", "use_rms_norm"] where try file.flag(key) == true {
            throw file.unsupported(key, "true", supported: ["false"])
        }
        if let every = try file.integer("moe_every_n_layers", in: 0...1_024), every > 0,
            try file.integer("num_experts", in: 0...65_536) ?? 0 > 0
        {
            throw file.unsupported("moe_every_n_layers", "\(every)", supported: ["0"])
        }
        var keys = ConfigurationKeys(
            hiddenSize: "n_embd", layerCount: "n_layer", headCount: "n_head",
            intermediateSize: "n_inner", activation: nil,
            layerNormEpsilon: "layer_norm_epsilon")
        keys.positionCount = "n_positions"
        let kinds: [(String, ActivationFunction, Bool)] = [
            ("swiglu", .silu, true), ("geglu", .gelu, true), ("glu", .sigmoid, true),
            ("gelu", .gelu, false),
        ]
        let name = try file.text("activation_function") ?? "gelu"
        guard let kind = kinds.first(where: { $0.0 == name }) else {
            throw file.unsupported("activation_function", name, supported: kinds.map(\.0))
        }
        var model = try ModelConfiguration(
            file, keys: keys,
            defaults: .init(layerNormEpsilon: 1e-5, activation: kind.1, paddingTokenID: 0))
        if kind.2 { model.intermediateSize = (model.intermediateSize + 255) & ~255 }
        var encoder = EncoderConfiguration(withoutTable: model)
        encoder.gating = kind.2 ? .separate : nil
        encoder.names = .publishedNomic(isGated: kind.2)
        encoder.patterns = [AttentionPattern(rotary: try publishedRotary(file, model))]
        return model.computed(by: encoder)
    }

    private static func publishedRotary(
        _ file: ConfigurationFile, _ model: ModelConfiguration
    ) throws(ModelError) -> RotaryPositions {
        let share = try file.number("rotary_emb_fraction", in: 0...1) ?? 0
        let width = Int(Double(model.headWidth) * share)
        guard width > 0, width % 2 == 0 else {
            throw file.unsupported("rotary_emb_fraction", "\(share)", supported: ["1.0"])
        }
        var rotary = RotaryPositions(
            width: width, base: try file.number("rotary_emb_base", in: 1...1e12) ?? 10_000)
        rotary.isInterleaved = try file.flag("rotary_emb_interleaved") ?? false
        if let scale = file["rotary_emb_scale_base"] {
            throw file.unsupported(
                "rotary_emb_scale_base", "\(scale.double ?? 0)", supported: ["null"])
        }
        if let factor = try file.number("rotary_scaling_factor", in: 1e-6...1e9) {
            let trained = try file.integer(
                "max_trained_positions", in: 1...ModelConfiguration.Limit.positions)
            rotary.scaling = .dynamic(factor: factor, positions: trained ?? 2_048)
        }
        return rotary
    }
}

extension EncoderTensorNames {
    fileprivate static func publishedNomic(isGated: Bool) -> EncoderTensorNames {
        var names = EncoderTensorNames.bert
        names.embeddingNorm = "emb_ln"
        names.layerPrefix = "encoder.layers."
        names.queryKeyValue = "attn.Wqkv"
        names.attentionOutput = "attn.out_proj"
        names.attentionNorm = "norm1"
        names.gate = "mlp.fc12"
        names.intermediate = isGated ? "mlp.fc11" : "mlp.fc1"
        names.output = "mlp.fc2"
        names.outputNorm = "norm2"
        return names
    }

    /// The names of the reference's own classes for BERT-like models with gated blocks.
    static let gatedPostNorm: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.layerPrefix = "layers."
        names.query = "self_attn.q_proj"
        names.key = "self_attn.k_proj"
        names.value = "self_attn.v_proj"
        names.attentionOutput = "self_attn.o_proj"
        names.attentionNorm = "post_attention_layernorm"
        names.gate = "mlp.gate_proj"
        names.intermediate = "mlp.up_proj"
        names.output = "mlp.down_proj"
        names.outputNorm = "post_mlp_layernorm"
        return names
    }()
}
