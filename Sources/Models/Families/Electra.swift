extension ModelFamily {
    /// ELECTRA (Clark et al., 2020): BERT's encoder, trained as a discriminator.
    ///
    /// Its small sizes have narrower embeddings and a projection behind them.
    static let electra = ModelFamily(
        modelTypes: ["electra"],
        prefixes: ["electra."],
        configuration: { file throws(ModelError) in
            try requireAbsolutePositions(file)
            try requireEncoder(file)
            var configuration = try ModelConfiguration(
                file, defaults: .init(tokenTypeCount: 2, paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            // Absent, it is the reference's 128 and not the hidden size.
            configuration.embeddingSize =
                try file.integer("embedding_size", in: 1...ModelConfiguration.Limit.width) ?? 128
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model)
            encoder.embeddingSize =
                model.embeddingSize == model.hiddenSize ? nil : model.embeddingSize
            return encoder
        })
}
