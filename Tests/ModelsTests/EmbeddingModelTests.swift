import Kernels
import Models
import TestSupport
import Testing

/// The tiny models against the reference's vectors.
struct EmbeddingModelTests {
    /// Loads a tiny model with kernels of any kind.
    private func load(
        _ folder: TemporaryFolder, _ choice: KernelChoice = .automatic,
        dtype: NumericType = .float32
    ) throws -> EmbeddingModel {
        try EmbeddingModel(folder: folder.path, dtype: dtype, kernels: Kernels(choice))
    }

    private func vectors(_ model: EmbeddingModel, _ texts: [[Int32]]) throws -> [[Float]] {
        var vectors: [Float] = []
        let workspace = model.makeWorkspace(tokensMaximum: 64)
        try model.embed(PackedBatch(texts), workspace: workspace, into: &vectors)
        return texts.indices.map { index in
            Array(vectors[index * model.dimensions..<(index + 1) * model.dimensions])
        }
    }

    /// Every kernel gives the reference's vectors for every case, to 2e-5 of a vector's length.
    @Test(arguments: try TinyModel.caseNames())
    func givesTheVectorsOfTheReference(name: String) throws {
        let folder = try TinyModel.folder(name)
        let golden = try TinyModel.golden(name)
        for kernels in Kernels.choices {
            let model = try load(folder, .named(kernels))
            let computed = try vectors(model, golden.map(\.ids))
            for (row, vector) in zip(golden, computed) {
                #expect(vector.count == row.vector.count)
                let length = row.vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let difference = zip(vector, row.vector).reduce(Float(0)) {
                    max($0, abs($1.0 - $1.1))
                }
                #expect(difference <= 2e-5 * max(1, length), "\(kernels): \(row.ids)")
            }
        }
    }

    /// Checkpoints with a head have the body's tensors under the family's prefix.
    @Test(arguments: [
        ("bert", "bert."), ("bert", "module."), ("bert", "module.bert."), ("roberta", "roberta."),
        ("distilbert", "distilbert."), ("mpnet", "mpnet."), ("electra-small", "electra."),
        ("albert", "albert."), ("deberta-v3", "deberta."), ("longformer", "longformer."),
        ("bigbird", "bert."), ("modernbert", "model."), ("nomic", "nomic_bert."),
        ("nomic-old", "bert."), ("gte", "gte."), ("gte", "new."), ("jina", "bert."),
        ("eurobert", "model."), ("llama", "model."), ("mistral", "model."), ("qwen2", "model."),
        ("qwen3", "model."), ("gemma", "model."), ("t5", "transformer."),
    ])
    func findsTensorsBehindPrefixes(name: String, prefix: String) throws {
        let folder = try TinyModel.folder(name)
        let golden = try TinyModel.golden(name).map(\.ids)
        let expected = try vectors(load(folder), golden)
        let file = try SafetensorsFile(path: folder.path + "/model.safetensors")
        try folder.write("renamed", SafetensorsBytes.renamed(file, prefix: prefix))
        try folder.write("model.safetensors", folder.read("renamed"))
        #expect(try vectors(load(folder), golden) == expected)
    }

    @Test(arguments: [
        "bert", "dense-residual", "pooling-weightedmean", "roberta", "distilbert", "mpnet",
        "electra-small", "albert-groups", "deberta-v3", "deberta-v2-convolution",
        "deberta-v2-unshared", "deberta-v2-one-way", "t5", "t5-gated",
        "electra-small", "albert-groups", "modernbert", "llama-dynamic", "mistral", "qwen3",
        "gemma",
        "jina-code", "static", "model2vec", "longformer", "bigbird", "bigbird-last", "umt5",
        "llama-longrope", "words", "elmo", "use-multilingual", "router",
    ])
    func aVectorDoesNotDependOnItsBatch(name: String) throws {
        let folder = try TinyModel.folder(name)
        let texts = try TinyModel.golden(name).map(\.ids)
        for kernels in Kernels.available {
            let model = try load(folder, .named(kernels))
            let alone = try texts.map { try vectors(model, [$0])[0] }
            #expect(try vectors(model, texts) == alone)
            #expect(try vectors(model, texts.reversed()) == alone.reversed())
            let many = (0..<40).map { texts[$0 * 3 % texts.count] }
            #expect(try vectors(model, many) == (0..<40).map { alone[$0 * 3 % texts.count] })
        }
    }

    /// What the last layer leaves out where one token is pooled changes nothing, to the bit.
    @Test(arguments: try TinyModel.caseNames())
    func aPooledTokenIsTheSameWithoutTheOthers(name: String) throws {
        let folder = try TinyModel.folder(name)
        let batch = PackedBatch(try TinyModel.golden(name).map(\.ids))
        for kernels in ["reference", Kernels.available[0]] {
            for dtype in NumericType.allCases {
                let backbone = try load(folder, .named(kernels), dtype: dtype).backbone
                for mode in [PoolingConfiguration.Mode.cls, .lastToken] {
                    let pooling = PoolingConfiguration(modes: [mode])
                    let workspace = backbone.makeBackboneWorkspace(tokensMaximum: 64, team: nil)
                    let runs = try [nil, pooling, nil].map { expected in
                        workspace.expect(expected)
                        return try pooled(batch, by: pooling, backbone, workspace)
                    }
                    #expect(runs[1] == runs[0] && runs[2] == runs[0])
                }
            }
        }
    }

    private func pooled(
        _ batch: PackedBatch, by pooling: PoolingConfiguration, _ backbone: any Backbone,
        _ workspace: any BackboneWorkspace
    ) throws -> [[Float]] {
        try workspace.begin(batch)
        for layer in 0..<backbone.layerCount { workspace.layer(layer) }
        return (0..<batch.count).map { text in
            var vector = [Float](repeating: .nan, count: backbone.width)
            vector.withUnsafeMutableBufferPointer {
                workspace.pool(text, by: pooling, into: $0.baseAddress!)
            }
            return vector
        }
    }

    /// Every case in the narrower types, which round what float32 does not, with every table of
    /// kernels: cosines to float32.
    @Test(arguments: try TinyModel.caseNames())
    func keepsTheDirectionInNarrowTypes(name: String) throws {
        let folder = try TinyModel.folder(name)
        let golden = try TinyModel.golden(name)
        for (dtype, least) in [(NumericType.bfloat16, 0.999), (.int8, 0.99)] {
            for kernels in Kernels.available {
                let model = try load(folder, .named(kernels), dtype: dtype)
                let computed = try vectors(model, golden.map(\.ids))
                let alone = try golden.map { try vectors(model, [$0.ids])[0] }
                #expect(computed == alone)
                for (row, vector) in zip(golden, computed) where row.vector != vector {
                    let cosine = GoldenEncoder.cosine(vector, row.vector)
                    #expect(cosine >= least, "\(kernels), \(dtype): \(row.ids)")
                }
            }
        }
    }

    @Test func tellsWhatItIs() throws {
        let folder = try TinyModel.folder("dense-tanh")
        let model = try load(folder)
        #expect(model.dimensions == 24)
        #expect(model.maximumLength == 32)
        #expect(model.dtype == .float32)
        #expect(Kernels.available.contains(model.kernelsName))
        #expect(model.weightBytes > 0)
        #expect(model.tokenizerFolder == folder.path)
        try model.checkVocabulary(of: model.vocabularySize)
        #expect(throws: ModelError.self) {
            try model.checkVocabulary(of: model.vocabularySize + 1)
        }
    }

    @Test func refusesABatchAndGoesOn() throws {
        let folder = try TinyModel.folder("bert")
        let model = try load(folder)
        let workspace = model.makeWorkspace(tokensMaximum: 8)
        var result: [Float] = []
        for text in [
            [], [Int32(-1)], [Int32(model.vocabularySize)], Array(repeating: 1, count: 49),
        ] {
            #expect(throws: EmbeddingError.self) {
                try model.embed(PackedBatch([text]), workspace: workspace, into: &result)
            }
        }
        try model.embed(PackedBatch([[2, 3]]), workspace: workspace, into: &result)
        #expect(result.count == 32)
        try model.embed(PackedBatch(), workspace: workspace, into: &result)
        #expect(result.isEmpty)
    }

    /// Weights that do not fit the configuration, and the words with which they are refused.
    @Test(arguments: [
        ("\"hidden_size\": 32", "\"hidden_size\": 36", "word_embedding_dimension: 32 here"),
        (
            "\"intermediate_size\": 72", "\"intermediate_size\": 64",
            "tensor encoder.layer.0.intermediate.dense.weight: shape [72, 32] in the weights, "
                + "[64, 32] by the configuration"
        ),
        (
            "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
            "model.safetensors: tensor encoder.layer.2.attention.self.query.weight is missing"
        ),
        (
            "\"type_vocab_size\": 2", "\"type_vocab_size\": 3",
            "tensor embeddings.token_type_embeddings.weight: shape [2, 32] in the weights"
        ),
        (
            "\"max_position_embeddings\": 48", "\"max_position_embeddings\": 50",
            "tensor embeddings.position_embeddings.weight: shape [48, 32] in the weights"
        ),
        (
            "\"vocab_size\"", "\"vocab_size\": 7, \"old_size\"",
            "tensor embeddings.word_embeddings.weight: shape"
        ),
    ])
    func holdsWeightsAgainstTheConfiguration(from: String, to: String, message: String) throws {
        let folder = try TinyModel.folder("bert")
        try folder.replace(from, to, in: "config.json")
        let error = #expect(throws: ModelError.self) { try load(folder) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func refusesDenseWeightsOfAnotherShape() throws {
        let folder = try TinyModel.folder("dense-tanh")
        try folder.replace(
            "\"out_features\": 24", "\"out_features\": 23", in: "2_Dense/config.json")
        let error = #expect(throws: ModelError.self) { try load(folder) }
        #expect(
            error?.description.contains("2_Dense/model.safetensors: tensor linear.weight: shape")
                == true)
    }

    @Test func refusesWeightsThatAreNotNumbers() throws {
        let folder = try TinyModel.folder("bert")
        try folder.fill("model.safetensors", last: 8000, with: 0xFF)
        let error = #expect(throws: ModelError.self) { try load(folder) }
        #expect(error?.description.contains("the weights are unusable") == true)
    }
}
