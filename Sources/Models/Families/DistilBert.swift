extension ModelFamily {
    /// DistilBERT (Sanh et al., 2019): BERT with half the layers, no token types and its own names.
    static let distilBert = ModelFamily(
        modelTypes: ["distilbert"],
        prefixes: ["distilbert."],
        configuration: { file throws(ModelError) in
            // The epsilon of its norms is not configurable in the reference.
            let keys = ConfigurationKeys(
                hiddenSize: "dim", layerCount: "n_layers", headCount: "n_heads",
                intermediateSize: "hidden_dim", activation: "activation", layerNormEpsilon: nil,
                tokenTypeCount: nil)
            let configuration = try ModelConfiguration(
                file, keys: keys, defaults: .init(paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model)
            encoder.names = .distilBert
            return encoder
        })
}

extension EncoderTensorNames {
    /// DistilBERT's; there is no table of token types.
    fileprivate static let distilBert: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.layerPrefix = "transformer.layer."
        names.query = "attention.q_lin"
        names.key = "attention.k_lin"
        names.value = "attention.v_lin"
        names.attentionOutput = "attention.out_lin"
        names.attentionNorm = "sa_layer_norm"
        names.intermediate = "ffn.lin1"
        names.output = "ffn.lin2"
        names.outputNorm = "output_layer_norm"
        return names
    }()
}
