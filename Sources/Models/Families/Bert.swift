extension ModelFamily {
    /// BERT (Devlin et al., 2018): MiniLM, BGE, E5, GTE, LaBSE and most of the field.
    ///
    /// Token, position and type vectors are added, then post-norm layers with full attention.
    static let bert = ModelFamily(
        modelTypes: ["bert"],
        prefixes: ["bert."],
        configuration: { file throws(ModelError) in
            try requireAbsolutePositions(file)
            try requireEncoder(file)
            let configuration = try ModelConfiguration(
                file, defaults: .init(tokenTypeCount: 2, paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            return configuration
        },
        encoder: { EncoderConfiguration($0) })

    /// Refuses relative positions, which the reference dropped, and those of foreign code.
    static func requireAbsolutePositions(_ file: ConfigurationFile) throws(ModelError) {
        if let type = try file.text("position_embedding_type"), type != "absolute" {
            throw file.unsupported("position_embedding_type", type, supported: ["absolute"])
        }
    }

    /// Refuses encoders that were turned into decoders: their attention is causal.
    static func requireEncoder(_ file: ConfigurationFile) throws(ModelError) {
        for key in ["is_decoder", "add_cross_attention"] where try file.flag(key) == true {
            throw file.unsupported(key, "true", supported: ["false"])
        }
    }
}
