import Kernels

extension ModelFamily {
    /// Jina v2 (Günther et al., 2023): BERT with linear biases (ALiBi) and gated feed-forward blocks.
    ///
    /// It calls itself `bert`, too, and is told by its positions. The code model's published class
    /// (`jina-bert-v2-qk-post-norm`) has norms of queries and keys, and two more behind each layer.
    static let jinaBert = ModelFamily(
        modelTypes: ["bert"],
        prefixes: ["bert."],
        isMeant: { file throws(ModelError) in
            try file.text("position_embedding_type") == "alibi"
        },
        reading: { file throws(ModelError) in
            try requireEncoder(file)
            let kind = try file.text("feed_forward_type") ?? "geglu"
            let kinds: [String: ActivationFunction] = ["geglu": .gelu, "reglu": .relu]
            guard let activation = kinds[kind] else {
                throw file.unsupported(
                    "feed_forward_type", kind, supported: kinds.keys.sorted())
            }
            var keys = ConfigurationKeys()
            keys.activation = nil
            let model = try ModelConfiguration(
                file, keys: keys,
                defaults: .init(activation: activation, tokenTypeCount: 2, paddingTokenID: 0))
            let sources = try [file.text("_name_or_path")] + texts(of: file.nested("auto_map"))
            let isCode = sources.contains { $0?.contains("qk-post-norm") == true }
            var encoder = EncoderConfiguration(withoutTable: model)
            encoder.hasLinearBias = true
            encoder.gating = isCode ? .upFirst : .gateFirst
            encoder.names = .jina(isCode: isCode)
            return model.computed(by: encoder)
        })

    private static func texts(of file: ConfigurationFile?) throws(ModelError) -> [String?] {
        guard let file else { return [] }
        var texts: [String?] = []
        for key in file.keys { texts += (try file.texts(key) ?? []).map(Optional.some) }
        return texts
    }
}

extension EncoderTensorNames {
    fileprivate static func jina(isCode: Bool) -> EncoderTensorNames {
        var names = EncoderTensorNames.bert
        guard isCode else {
            names.intermediate = "mlp.gated_layers"
            names.output = "mlp.wo"
            names.outputNorm = "mlp.layernorm"
            return names
        }
        names.wideQueryNorm = "attention.self.layer_norm_q"
        names.wideKeyNorm = "attention.self.layer_norm_k"
        names.secondAttentionNorm = "layer_norm_1"
        names.intermediate = "mlp.up_gated_layer"
        names.output = "mlp.down_layer"
        names.outputNorm = "layer_norm_2"
        return names
    }
}
