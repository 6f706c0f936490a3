extension ModelFamily {
    /// ALBERT (Lan et al., 2019): BERT with narrow embeddings and few layers' weights, used again.
    ///
    /// `num_hidden_groups` groups of `inner_group_num` layers are stored once, however often they run.
    static let albert = ModelFamily(
        modelTypes: ["albert"],
        prefixes: ["albert."],
        configuration: { file throws(ModelError) in
            try requireAbsolutePositions(file)
            try requireEncoder(file)
            var configuration = try ModelConfiguration(
                file,
                defaults: .init(activation: .geluTanh, tokenTypeCount: 2, paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            configuration.embeddingSize =
                try file.integer("embedding_size", in: 1...ModelConfiguration.Limit.width) ?? 128
            let layers = 1...ModelConfiguration.Limit.layers
            let groups = try file.integer("num_hidden_groups", in: layers) ?? 1
            guard groups <= configuration.layerCount else {
                throw .inconsistent(
                    file: file.path, field: "num_hidden_groups",
                    reason: "\(groups) groups for num_hidden_layers \(configuration.layerCount)")
            }
            configuration.sharing = LayerSharing(
                blockCount: groups, blockSize: try file.integer("inner_group_num", in: layers) ?? 1)
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model)
            // The projection is there also where both widths are the same.
            encoder.embeddingSize = model.embeddingSize
            encoder.names = .albert
            if let sharing = model.sharing {
                encoder.sharing = sharing
                encoder.layerCount = model.layerCount * sharing.blockSize
                encoder.names.blockSize = sharing.blockSize
            }
            return encoder
        })
}

extension EncoderTensorNames {
    /// ALBERT's; layers are numbered within their groups.
    fileprivate static let albert: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.embeddingProjection = "encoder.embedding_hidden_mapping_in"
        names.layerPrefix = "encoder.albert_layer_groups."
        names.blockInfix = ".albert_layers."
        names.query = "attention.query"
        names.key = "attention.key"
        names.value = "attention.value"
        names.attentionOutput = "attention.dense"
        names.attentionNorm = "attention.LayerNorm"
        names.intermediate = "ffn"
        names.output = "ffn_output"
        names.outputNorm = "full_layer_layer_norm"
        return names
    }()
}
