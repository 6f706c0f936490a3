extension ModelFamily {
    /// The encoder of T5, mT5 and UMT5 (Raffel et al., 2019): sentence-t5, gtr, Instructor.
    ///
    /// UMT5 (Chung et al., 2023) has a table of biases in each layer. Norms by the mean of squares before each block, a bias by distance on every score and no other
    /// positions, scores that are not scaled. The decoder's weights are passed over.
    static let t5 = ModelFamily(
        modelTypes: ["t5", "mt5", "umt5"],
        prefixes: ["transformer."],
        configuration: { file throws(ModelError) in
            try requireEncoder(file)
            let keys = ConfigurationKeys(
                hiddenSize: "d_model", layerCount: "num_layers", headCount: "num_heads",
                headWidth: "d_kv", intermediateSize: "d_ff", activation: nil,
                layerNormEpsilon: "layer_norm_epsilon", tokenTypeCount: nil)
            var configuration = try ModelConfiguration(
                file, keys: keys, defaults: .init(layerNormEpsilon: 1e-6, paddingTokenID: 0))
            configuration.hasPositionTable = false
            configuration.scoreScale = 1
            configuration.relativePositions = try relativePositions(
                file, isOfLayers: configuration.modelType == "umt5")
            let block = try feedForward(file, isMultilingual: configuration.modelType != "t5")
            configuration.activation = block.activation
            configuration.gating = block.isGated ? .separate : nil
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model)
            encoder.normKind = .rms
            encoder.normPlacement = .before
            encoder.normsEmbeddings = false
            encoder.gating = model.gating
            encoder.scoreScale = model.scoreScale.map { Float($0) }
            encoder.relativePositions = model.relativePositions
            if model.relativePositions?.isOfLayers == true {
                // The biases are spread over all distances in every layer.
                encoder.lengthLimit = 1 << 14
            }
            encoder.names = .t5(isGated: model.gating != nil)
            return encoder
        })

    private static func relativePositions(
        _ file: ConfigurationFile, isOfLayers: Bool
    ) throws(ModelError) -> RelativePositions {
        let table = "layer.0.SelfAttention.relative_attention_bias"
        var positions = RelativePositions(
            tensorName: isOfLayers ? table : "encoder.block.0." + table)
        positions.isOfLayers = isOfLayers
        let buckets = "relative_attention_num_buckets"
        let distance = "relative_attention_max_distance"
        positions.bucketCount = try file.integer(buckets, in: 4...1_024) ?? 32
        positions.maximumDistance = try file.integer(distance, in: 2...1 << 20) ?? 128
        guard positions.bucketCount.isMultiple(of: 4) else {
            throw file.unsupported(
                buckets, "\(positions.bucketCount)", supported: ["a multiple of 4"])
        }
        guard positions.maximumDistance > positions.bucketCount / 4 else {
            throw .inconsistent(
                file: file.path, field: distance,
                reason: "\(positions.maximumDistance) is within the exact ones of "
                    + "\(positions.bucketCount) buckets")
        }
        return positions
    }

    /// `relu` or the like, or `gated-` and the like.
    private static func feedForward(
        _ file: ConfigurationFile, isMultilingual: Bool
    ) throws(ModelError) -> (activation: ActivationFunction, isGated: Bool) {
        let key = "feed_forward_proj"
        let name = try file.text(key) ?? (isMultilingual ? "gated-gelu" : "relu")
        // With a gate the reference's "gelu" is the one by tanh, for old models' sake.
        let known: [(String, ActivationFunction, Bool)] = [
            ("relu", .relu, false), ("gelu", .gelu, false), ("gelu_new", .geluTanh, false),
            ("silu", .silu, false), ("gated-gelu", .geluTanh, true), ("gated-silu", .silu, true),
            ("gated-relu", .relu, true), ("gated-gelu_new", .geluTanh, true),
        ]
        guard let match = known.first(where: { $0.0 == name }) else {
            throw file.unsupported(key, name, supported: known.map(\.0))
        }
        return (match.1, match.2)
    }
}

extension EncoderTensorNames {
    fileprivate static func t5(isGated: Bool) -> EncoderTensorNames {
        var names = EncoderTensorNames.bert
        names.wordEmbeddings = "shared"
        names.wordEmbeddingsAlias = "encoder.embed_tokens"
        names.layerPrefix = "encoder.block."
        names.query = "layer.0.SelfAttention.q"
        names.key = "layer.0.SelfAttention.k"
        names.value = "layer.0.SelfAttention.v"
        names.attentionOutput = "layer.0.SelfAttention.o"
        names.attentionNorm = "layer.0.layer_norm"
        names.gate = isGated ? "layer.1.DenseReluDense.wi_0" : nil
        names.intermediate = "layer.1.DenseReluDense." + (isGated ? "wi_1" : "wi")
        names.output = "layer.1.DenseReluDense.wo"
        names.outputNorm = "layer.1.layer_norm"
        names.finalNorm = "encoder.final_layer_norm"
        return names
    }
}
