extension ModelFamily {
    /// ELECTRA (Clark et al., 2020): BERT's encoder, trained as a discriminator.
    ///
    /// Its small sizes have narrower embeddings and a projection behind them; those are refused.
    static let electra = ModelFamily(
        modelTypes: ["electra"],
        prefixes: ["electra."],
        configuration: { file throws(ModelError) in
            try requireAbsolutePositions(file)
            try requireEncoder(file)
            let configuration = try ModelConfiguration(
                file, defaults: .init(tokenTypeCount: 2, paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            let width = configuration.hiddenSize
            // Absent, it is the reference's 128 and not the hidden size.
            let key = "embedding_size"
            let embedded = try file.integer(key, in: 1...ModelConfiguration.Limit.width) ?? 128
            guard embedded == width else {
                throw file.unsupported(
                    key, "\(embedded)", supported: ["\(width), the hidden_size"])
            }
            return configuration
        },
        encoder: { EncoderConfiguration($0) })
}
