extension ModelFamily {
    /// BigBird (Zaheer et al., 2020): BERT that takes the blocks of long texts sparsely.
    static let bigBird = ModelFamily(
        modelTypes: ["big_bird"],
        prefixes: ["bert."],
        reading: { file throws(ModelError) in
            try requireEncoder(file)
            let model = try ModelConfiguration(
                file,
                defaults: .init(activation: .geluTanh, tokenTypeCount: 2, paddingTokenID: 0))
            guard model.positionCount != nil else { throw file.missing("max_position_embeddings") }
            var encoder = EncoderConfiguration(model)
            if try file.flag("rescale_embeddings") == true {
                encoder.embeddingScale = Float(model.hiddenSize).squareRoot()
                encoder.scalesWordsAlone = true
            }
            let kinds = ["block_sparse", "original_full"]
            let kind = try file.text("attention_type") ?? kinds[0]
            guard kinds.contains(kind) else {
                throw file.unsupported("attention_type", kind, supported: kinds)
            }
            if kind == kinds[0] {
                let sparsity = BlockSparsity(
                    blockSize: try file.integer("block_size", in: 1...4_096) ?? 64,
                    randomCount: try file.integer("num_random_blocks", in: 0...1_024) ?? 3)
                encoder.patterns = [AttentionPattern(blocks: sparsity)]
            }
            return model.computed(by: encoder)
        })
}
