extension ModelFamily {
    /// MPNet (Song et al., 2020): RoBERTa's positions, and a bias by distance on every score.
    static let mpnet = ModelFamily(
        modelTypes: ["mpnet"],
        prefixes: ["mpnet."],
        configuration: { file throws(ModelError) in
            var keys = ConfigurationKeys()
            keys.tokenTypeCount = nil
            let configuration = try ModelConfiguration(
                file, keys: keys, defaults: .init(paddingTokenID: padding))
            guard let positions = configuration.positionCount else {
                throw file.missing("max_position_embeddings")
            }
            guard positions > padding + 1 else {
                throw .inconsistent(
                    file: file.path, field: "max_position_embeddings",
                    reason: "\(positions) leaves no position behind the padding's \(padding)")
            }
            // The reference computes with 32 buckets whatever this says; it only sizes the table.
            let key = "relative_attention_num_buckets"
            if let buckets = try file.integer(key, in: 1...1_024), buckets != 32 {
                throw file.unsupported(key, "\(buckets)", supported: ["32"])
            }
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model, positionOffset: padding + 1)
            encoder.positionPadding = Int32(padding)
            encoder.relativePositions = RelativePositions(
                tensorName: "encoder.relative_attention_bias")
            encoder.names = .mpnet
            return encoder
        })

    /// The padding's id, which the reference does not take from the configuration here.
    private static let padding = 1
}

extension EncoderTensorNames {
    /// MPNet's; there is no table of token types.
    fileprivate static let mpnet: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.query = "attention.attn.q"
        names.key = "attention.attn.k"
        names.value = "attention.attn.v"
        names.attentionOutput = "attention.attn.o"
        names.attentionNorm = "attention.LayerNorm"
        return names
    }()
}
