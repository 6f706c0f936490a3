import Kernels

extension ModelFamily {
    /// DeBERTa-v2 and v3 (He et al., 2020 and 2021): scores by content and distance.
    ///
    /// v3 has logarithmic buckets of distances, projections shared with the content, and no table of
    /// absolute positions; the larger v2 have a convolution beside the first layer.
    static let debertaV2 = ModelFamily(
        modelTypes: ["deberta-v2"],
        prefixes: ["deberta."],
        configuration: { file throws(ModelError) in
            try requireEncoder(file)
            var configuration = try ModelConfiguration(
                file, defaults: .init(layerNormEpsilon: 1e-7, paddingTokenID: 0))
            guard configuration.positionCount != nil else {
                throw file.missing("max_position_embeddings")
            }
            let width = 1...ModelConfiguration.Limit.width
            let head = "attention_head_size"
            if let size = try file.integer(head, in: width), size != configuration.headWidth {
                throw file.unsupported(
                    head, "\(size)", supported: ["hidden_size / num_attention_heads"])
            }
            configuration.embeddingSize = try file.integer("embedding_size", in: width)
            configuration.hasPositionTable = try file.flag("position_biased_input") ?? true
            let kinds = try positionKinds(file)
            configuration.scoreScale =
                1 / (Double(configuration.headWidth * (1 + kinds.count))).squareRoot()
            if try file.flag("relative_attention") ?? false {
                configuration.disentangled = try positions(
                    file, kinds, length: configuration.positionCount ?? 0)
            }
            configuration.convolution = try convolution(file)
            return configuration
        },
        encoder: { model in
            var encoder = EncoderConfiguration(model)
            if let size = model.embeddingSize, size != model.hiddenSize {
                encoder.embeddingSize = size
                encoder.normsAfterProjection = true
            }
            encoder.disentangled = model.disentangled
            encoder.convolution = model.convolution
            encoder.scoreScale = model.scoreScale.map { Float($0) }
            encoder.names = .debertaV2
            return encoder
        })

    /// The kinds of scores by distance: a list of `c2p` and `p2c`, or both with a bar between.
    private static func positionKinds(
        _ file: ConfigurationFile
    ) throws(ModelError) -> [String] {
        let key = "pos_att_type"
        var kinds: [String] = []
        for text in try file.texts(key) ?? [] {
            for part in text.split(separator: "|") {
                let kind = part.lowercased().filter { $0 != " " }
                guard ["c2p", "p2c"].contains(kind) else {
                    throw file.unsupported(key, kind, supported: ["c2p", "p2c"])
                }
                if !kinds.contains(kind) { kinds.append(kind) }
            }
        }
        return kinds
    }

    private static func positions(
        _ file: ConfigurationFile, _ kinds: [String], length: Int
    ) throws(ModelError) -> DisentangledPositions {
        let range = -1...ModelConfiguration.Limit.width
        let stated = try file.integer("max_relative_positions", in: range) ?? -1
        let buckets = try file.integer("position_buckets", in: range) ?? -1
        let maximum = stated < 1 ? length : stated
        if buckets > 0, buckets < 4 || maximum <= buckets / 2 + 1 {
            throw .inconsistent(
                file: file.path, field: "position_buckets",
                reason: "\(buckets) buckets do not fit max_relative_positions \(maximum)")
        }
        let norm = try file.text("norm_rel_ebd") ?? "none"
        let norms = norm.split(separator: "|").map { $0.lowercased().filter { $0 != " " } }
        for name in norms where !["none", "layer_norm"].contains(name) {
            throw file.unsupported("norm_rel_ebd", name, supported: ["none", "layer_norm"])
        }
        return DisentangledPositions(
            bucketCount: buckets > 0 ? buckets : nil, maximumDistance: maximum,
            hasKeys: kinds.contains("c2p"), hasQueries: kinds.contains("p2c"),
            sharesProjections: try file.flag("share_att_key") ?? false,
            normalizes: norms.contains("layer_norm"))
    }

    private static func convolution(
        _ file: ConfigurationFile
    ) throws(ModelError) -> EmbeddingConvolution? {
        let width = try file.integer("conv_kernel_size", in: 0...1_024) ?? 0
        guard width > 0 else { return nil }
        guard width % 2 == 1 else {
            throw file.unsupported("conv_kernel_size", "\(width)", supported: ["an odd number"])
        }
        if let groups = try file.integer("conv_groups", in: 1...1_024), groups != 1 {
            throw file.unsupported("conv_groups", "\(groups)", supported: ["1"])
        }
        return EmbeddingConvolution(
            width: width,
            activation: Activation(
                try ActivationFunction(hidden: "conv_act", of: file, default: .tanh)))
    }
}

extension EncoderTensorNames {
    /// DeBERTa-v2's; the output and feed-forward layers are BERT's.
    fileprivate static let debertaV2: EncoderTensorNames = {
        var names = EncoderTensorNames.bert
        names.embeddingProjection = "embeddings.embed_proj"
        names.query = "attention.self.query_proj"
        names.key = "attention.self.key_proj"
        names.value = "attention.self.value_proj"
        return names
    }()
}
