import Platform

/// The first module of a folder: what gives its texts' token vectors.
enum InputModule: Sendable {
    /// A transformer of a family.
    case transformer(ModelFamily)
    /// A table of vectors alone.
    case table(TableLayout)

    /// Whether the folder's tokenizer is used as `tokenizer.json` has it: without special tokens, and
    /// without what transformers' settings change in it.
    var usesPlainTokenizer: Bool {
        switch self {
        case .transformer: false
        case .table(let layout): layout.kind != .wordEmbeddings
        }
    }

    /// Whether a text of no tokens has a vector, of zeros.
    var takesEmptyTexts: Bool {
        if case .table = self { true } else { false }
    }
}

extension ModelConfiguration {
    /// The sizes of a table of vectors, which has no layers.
    init(_ layout: TableLayout, file: String) {
        self.init(
            file: file, modelType: layout.kind.rawValue, architectures: [],
            vocabularySize: layout.vocabularySize, hiddenSize: layout.width, layerCount: 0,
            headCount: 1, statedHeadWidth: nil, intermediateSize: 0, activation: .identity,
            layerNormEpsilon: 0, positionCount: nil, tokenTypeCount: 0, paddingTokenID: nil)
    }
}

extension SequenceLimit {
    /// The limit of a table's texts.
    ///
    /// - Throws: ``ModelError``.
    init(_ layout: TableLayout, folder: ModelFolder) throws(ModelError) {
        switch layout.kind {
        case .staticEmbedding, .model2vec:
            let name = "tokenizer.json"
            let path = folder.file(name, in: layout.path)
            if let length = try TableLayout.truncation(inTokenizerAt: path) {
                self.init(tokens: length, origin: "\(name): truncation.max_length")
            } else {
                self.init(tokens: Self.unbounded, origin: "tables have no limit")
            }
        case .wordEmbeddings:
            let name = WordEmbeddingSettings.fileName
            let file = try ConfigurationFile(path: folder.file(name, in: layout.path))
            let settings = try WordEmbeddingSettings(file)
            self.init(
                tokens: settings.length, origin: "\(name): max_seq_length", settingsFile: name)
        }
    }
}

/// `wordembedding_config.json`.
struct WordEmbeddingSettings {
    static let fileName = "wordembedding_config.json"

    /// The most tokens of a text.
    let length: Int

    /// - Throws: ``ModelError`` for a tokenizer that is not implemented.
    init(_ file: ConfigurationFile) throws(ModelError) {
        let name = try file.requiredText("tokenizer_class")
        let known = ["WhitespaceTokenizer", "TransformersTokenizerWrapper"]
        guard name.hasPrefix("sentence_transformers."),
            known.contains(name.split(separator: ".").last.map(String.init) ?? "")
        else { throw file.unsupported("tokenizer_class", name, supported: known) }
        let limit = SequenceLimit.unbounded
        length = min(try file.integer("max_seq_length", in: 1...Int.max) ?? limit, limit)
    }
}
