import Kernels
import Models
import TestSupport
import Testing

/// Tables, ELMo and USE: what is refused, and what `inspect` says.
struct TableTests {
    @Test(arguments: [
        ("static", "a table of vectors without layers, width 24, vocabulary"),
        ("model2vec", "mapped to fewer vectors, weights by token"),
        ("words", "weights by token"),
        ("elmo", "words from characters by 124 filters, 2 layers each way of 64 cells"),
        ("use-multilingual", "convolutions over 2, 3, 5 tokens"),
    ])
    func tellsWhatItIs(name: String, size: String) throws {
        let folder = try TinyModel.folder(name)
        let summary = try ModelSummary(folder: folder.path)
        #expect(summary.size.contains(size), "\(summary.size)")
        #expect(summary.parameterCount > 0)
    }

    @Test(arguments: [
        ("model2vec", "config.json", "model2vec", "bert2", "model_type: bert2 is not supported"),
        (
            "model2vec", "tokenizer.json", "\"Right\"", "\"Left\"",
            "direction: Left is not supported"
        ),
        (
            "words", "wordembedding_config.json", "whitespace.WhitespaceTokenizer",
            "phrase.PhraseTokenizer", "tokenizer_class: sentence_transformers"
        ),
        ("elmo", "config.json", "\"relu\"", "\"gelu\"", "activation: gelu is not supported"),
        ("elmo", "config.json", "\"filters\"", "\"filter\"", "filters: is missing"),
        ("use-multilingual", "config.json", "\"orders\"", "\"order\"", "orders: must be as many"),
    ])
    func saysWhatIsWrong(
        name: String, file: String, from: String, to: String, message: String
    ) throws {
        let folder = try TinyModel.folder(name)
        try folder.replace(from, to, in: file)
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: folder.path) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    /// A word, and not its characters, has a vector.
    @Test func elmoHasVectorsOfWords() throws {
        let folder = try TinyModel.folder("elmo")
        let model = try EmbeddingModel(
            folder: folder.path, dtype: .float32, kernels: Kernels(.automatic))
        let batch = PackedBatch([[97, 259, 98, 99, 259], [], [100]])
        let rows = try model.outputs(
            [.tokens, .tokens, .tokens], of: batch, workspace: model.makeWorkspace(tokensMaximum: 8)
        )
        #expect(rows.map(\.count) == [64, 0, 32])
        #expect(!model.poolsSpans)
    }
}
