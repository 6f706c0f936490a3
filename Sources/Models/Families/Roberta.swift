extension ModelFamily {
    /// RoBERTa (Liu et al., 2019), XLM-R and CamemBERT: BERT with its positions counted otherwise.
    ///
    /// The first token has the position behind the padding token's id. A padding token that is
    /// written in a text keeps the padding's position, and the tokens behind it move up.
    static let roberta = ModelFamily(
        modelTypes: ["roberta", "xlm-roberta", "camembert"],
        prefixes: ["roberta."],
        configuration: { file throws(ModelError) in
            try requireAbsolutePositions(file)
            try requireEncoder(file)
            let configuration = try ModelConfiguration(
                file, defaults: .init(tokenTypeCount: 2, paddingTokenID: 1))
            let padding = configuration.paddingTokenID ?? 1
            guard let positions = configuration.positionCount else {
                throw file.missing("max_position_embeddings")
            }
            guard positions > padding + 1 else {
                throw .inconsistent(
                    file: file.path, field: "max_position_embeddings",
                    reason: "\(positions) leaves no position behind pad_token_id \(padding)")
            }
            return configuration
        },
        encoder: { model in
            let padding = model.paddingTokenID ?? 1
            var encoder = EncoderConfiguration(model, positionOffset: padding + 1)
            encoder.positionPadding = Int32(truncatingIfNeeded: padding)
            return encoder
        })
}
