import Models
import TestSupport
import Testing

struct ModelSummaryTests {
    @Test func tellsWhatIsUsedAndWhatIsNot() throws {
        let folder = try TinyModel.folder("truncated-width")
        try folder.write("README.md", "# A model")
        let summary = try ModelSummary(folder: folder.path)
        #expect(summary.architecture == "bert")
        // 123 rows of words, 48 of positions, 2 of types; the layers; the pooler.
        #expect(summary.parameterCount * 4 == summary.weightBytes)
        #expect(summary.storage == "F32")
        #expect(summary.pipeline == ["pooling by mean", "normalize", "cut to 12"])
        #expect(summary.dimensions == 12)
        #expect(summary.limit.tokens == 32)
        #expect(
            summary.usedFiles == [
                "1_Pooling", "config.json", "config_sentence_transformers.json",
                "model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer.json",
                "tokenizer_config.json",
            ])
        #expect(
            summary.ignoredFiles == [
                "README.md", "case.json", "golden-prompts.jsonl", "golden.jsonl",
            ])
        #expect(summary.lines.contains("prompt         passage (default): a bridge "))
        #expect(summary.lines.contains("architecture   bert: " + summary.size))
    }

    private static let attentions = [
        ("bert", "a token sees all others, learned positions"),
        ("mpnet", "a token sees all others, learned positions and biases by distance"),
        (
            "modernbert",
            "a token sees all others, 4 on each side in 2 of 4 layers, "
                + "rotary positions, theta 160000 and 10000"
        ),
        (
            "qwen2",
            "2 heads of keys and values, a token sees those before it, 9 back in 2 of 3 layers, "
                + "rotary positions, theta 10000"
        ),
        (
            "llama-yarn",
            "2 heads of keys and values, a token sees those before it, "
                + "rotary positions, theta 500 (yarn, 4.0 times)"
        ),
        (
            "longformer",
            "a token sees all others, 4 on each side in 1 of 3 layers, "
                + "12 on each side in 1 of 3 layers, 2 on each side in 1 of 3 layers, "
                + "learned positions"
        ),
        (
            "bigbird",
            "a token sees all others, by blocks of 8 where a text has more than 56 tokens, "
                + "learned positions"
        ),
        ("jina", "a token sees all others, linear biases by distance"),
    ]

    @Test(arguments: attentions)
    func tellsWhatATokenSees(name: String, attention: String) throws {
        let folder = try TinyModel.folder(name)
        let summary = try ModelSummary(folder: folder.path)
        #expect(summary.attention == attention)
        #expect(summary.lines.contains("attention      " + attention))
    }

    @Test func countsShards() throws {
        let single = try TinyModel.folder("bert")
        let whole = try ModelSummary(folder: single.path)
        let folder = try TinyModel.folder("sharded")
        let shards = try ModelSummary(folder: folder.path)
        #expect(shards.parameterCount == whole.parameterCount)
        #expect(shards.storage == "BF16")
        #expect(shards.usedFiles.contains("model-00002-of-00002.safetensors"))
        #expect(shards.usedFiles.contains("model.safetensors.index.json"))
    }
}

struct WeightFilesTests {
    @Test func saysHowToConvertAPickle() throws {
        let folder = try TinyModel.folder("bert")
        try folder.remove("model.safetensors")
        #expect(refusal(folder).contains("/model.safetensors: No such file or directory"))
        try folder.write("pytorch_model.bin", "PK")
        let line = refusal(folder)
        #expect(line.contains("/pytorch_model.bin: weights in PyTorch's pickle format"))
        #expect(line.contains("save_pretrained"))
    }

    @Test(arguments: [
        ("model-00001-of-00002.safetensors", "../model.safetensors", "is not the plain name"),
        ("model-00001-of-00002.safetensors", "/etc/passwd", "is not the plain name"),
        ("model-00001-of-00002.safetensors", "", "is not the plain name"),
        ("model-00001-of-00002.safetensors", "none.safetensors", "none.safetensors: No such file"),
        (
            "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            "has no such tensor"
        ),
        ("\"weight_map\"", "\"map\"", "weight_map: is missing"),
    ])
    func checksTheIndex(from: String, to: String, message: String) throws {
        let folder = try TinyModel.folder("sharded")
        try folder.replace(from, to, in: "model.safetensors.index.json")
        let line = refusal(folder)
        #expect(line.contains(message), "\(line)")
    }

    /// Quantized checkpoints are refused before they are read.
    @Test func namesTheTypeOfAMatrix() throws {
        let folder = try TinyModel.folder("bert")
        var bytes = try folder.read("model.safetensors")
        let float = Array("\"F32\"".utf8)
        while let place = bytes.firstRange(of: float) {
            bytes.replaceSubrange(place, with: "\"I32\"".utf8)
        }
        try folder.write("model.safetensors", bytes)
        let line = refusal(folder)
        #expect(line.hasPrefix("\(folder.path)/model.safetensors: tensor "), "\(line)")
        #expect(line.hasSuffix(".weight: dtype: I32 is not supported (supported: F32, F16, BF16)"))
    }

    @Test func findsCanonicalNamesUnderTheirSpellings() throws {
        let folder = try TinyModel.folder("legacy-names-bfloat16")
        let model = try ModelDescription(folder: folder.path)
        let tensors = CanonicalTensors(try model.weights(), prefixes: ["bert."])
        let norm = try tensors.tensor(named: "embeddings.LayerNorm.weight", shape: [32])
        #expect(norm.name == "bert.embeddings.LayerNorm.gamma")
        #expect(norm.dtype == .bfloat16)
        #expect(tensors.contains("encoder.layer.1.output.LayerNorm.bias"))
        #expect(!tensors.contains("encoder.layer.2.output.LayerNorm.bias"))
        #expect(throws: ModelError.self) {
            try tensors.tensor(named: "embeddings.LayerNorm.weight", shape: [31])
        }
        let positions = #expect(throws: ModelError.self) {
            try tensors.tensor(named: "embeddings.position_ids", shape: [48])
        }
        #expect(
            positions?.description.hasSuffix(
                "dtype: I64 is not supported (supported: F32, F16, BF16)") == true)
    }

    private func refusal(_ folder: TemporaryFolder) -> String {
        let error = #expect(throws: ModelError.self) { try ModelSummary(folder: folder.path) }
        return error?.description ?? ""
    }
}
