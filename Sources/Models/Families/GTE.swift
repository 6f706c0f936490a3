import Kernels

extension ModelFamily {
    /// GTE v1.5 and multilingual (Zhang et al., 2024): BERT with rotary positions and gated blocks.
    ///
    /// `gte` is the reference's class; `new` is the published code, with packed matrices.
    static let gte = ModelFamily(
        modelTypes: ["gte", "new"],
        prefixes: ["gte.", "new."],
        reading: { file throws(ModelError) in
            let model = try ModelConfiguration(
                file, defaults: .init(tokenTypeCount: 1, paddingTokenID: 0))
            var encoder = EncoderConfiguration(withoutTable: model)
            encoder.names = .gatedPostNorm
            encoder.gating = .separate
            encoder.otherSpellings = [
                TensorSpelling(names: .publishedGTE(isPacked: true), gating: .upFirst)
            ]
            var base = 160_000.0
            if model.modelType == "new" {
                try requirePublishedGTE(file)
                base = 10_000
                encoder.gating = .upFirst
                encoder.names = .publishedGTE(isPacked: try file.flag("pack_qkv") ?? true)
                if try file.text("layer_norm_type") == "rms_norm" { encoder.normKind = .rms }
            }
            encoder.patterns = [
                AttentionPattern(
                    rotary: try RotaryPositions(
                        file,
                        .init(
                            headSize: encoder.headSize, base: base,
                            positions: model.positionCount ?? 8_192)))
            ]
            return model.computed(by: encoder)
        })

    /// Refuses what the published code can do and no published model does.
    private static func requirePublishedGTE(_ file: ConfigurationFile) throws(ModelError) {
        let type = try file.text("position_embedding_type") ?? "rope"
        guard type == "rope" else {
            throw file.unsupported("position_embedding_type", type, supported: ["rope"])
        }
        let norm = try file.text("layer_norm_type") ?? "layer_norm"
        guard ["layer_norm", "rms_norm"].contains(norm) else {
            throw file.unsupported("layer_norm_type", norm, supported: ["layer_norm", "rms_norm"])
        }
        for key in ["logn_attention_scale", "logn_attention_clip1"]
        where try file.flag(key) == true {
            throw file.unsupported(key, "true", supported: ["false"])
        }
    }
}

extension EncoderTensorNames {
    fileprivate static func publishedGTE(isPacked: Bool) -> EncoderTensorNames {
        var names = EncoderTensorNames.bert
        names.queryKeyValue = isPacked ? "attention.qkv_proj" : nil
        names.query = "attention.q_proj"
        names.key = "attention.k_proj"
        names.value = "attention.v_proj"
        names.attentionOutput = "attention.o_proj"
        names.attentionNorm = "attn_ln"
        names.intermediate = "mlp.up_gate_proj"
        names.output = "mlp.down_proj"
        names.outputNorm = "mlp_ln"
        return names
    }
}
