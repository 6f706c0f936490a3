import Platform

/// The first module of a folder: what gives its texts' token vectors.
enum InputModule: Sendable {
    /// A transformer of a family.
    case transformer(ModelFamily)
    /// Several ways, each with modules of its own.
    case router(RouterDescription)
    /// A table of vectors alone.
    case table(TableLayout)
    /// ELMo, as `scripts/convert/elmo.py` writes it.
    case elmo(ELMoConfiguration)
    /// The Universal Sentence Encoder, as `scripts/convert/use_multilingual.py` writes it.
    case universalEncoder(UniversalEncoderConfiguration)

    /// Whether the folder's tokenizer is used as `tokenizer.json` has it: without special tokens, and
    /// without what transformers' settings change in it.
    var usesPlainTokenizer: Bool {
        switch self {
        case .transformer, .router, .universalEncoder: false
        case .elmo: true
        case .table(let layout): layout.kind != .wordEmbeddings
        }
    }

    /// Whether a text of no tokens has a vector, of zeros.
    var takesEmptyTexts: Bool {
        switch self {
        case .table, .elmo: true
        case .transformer, .router, .universalEncoder: false
        }
    }
}

extension InputModule {
    /// The kind of model that a `config.json` describes, with its sizes.
    ///
    /// - Throws: ``ModelError``.
    static func described(
        by file: ConfigurationFile
    ) throws(ModelError) -> (InputModule, ModelConfiguration) {
        switch try file.requiredText("model_type") {
        case ELMoConfiguration.modelType:
            let elmo = try ELMoConfiguration(file)
            return (.elmo(elmo), ModelConfiguration(elmo))
        case UniversalEncoderConfiguration.modelType:
            let encoder = try UniversalEncoderConfiguration(file)
            return (.universalEncoder(encoder), ModelConfiguration(encoder))
        default:
            let family = try ModelFamily.named(in: file)
            return (.transformer(family), try family.configuration(file))
        }
    }
}

extension ModelConfiguration {
    /// The sizes of a model that is no transformer: vectors of `width` for ids below `vocabulary`.
    private init(file: String, modelType: String, vocabulary: Int, width: Int, layers: Int) {
        self.init(
            file: file, modelType: modelType, architectures: [], statedCausal: nil,
            vocabularySize: vocabulary, hiddenSize: width, layerCount: layers, headCount: 1,
            statedHeadWidth: nil,
            intermediateSize: 0, activation: .identity, layerNormEpsilon: 0, positionCount: nil,
            tokenTypeCount: 0, paddingTokenID: nil)
    }

    fileprivate init(_ elmo: ELMoConfiguration) {
        self.init(
            file: elmo.file, modelType: ELMoConfiguration.modelType,
            vocabulary: ELMoConfiguration.Character.count, width: 2 * elmo.width,
            layers: elmo.layerCount)
    }

    fileprivate init(_ encoder: UniversalEncoderConfiguration) {
        self.init(
            file: encoder.file, modelType: UniversalEncoderConfiguration.modelType,
            vocabulary: encoder.vocabularySize, width: encoder.width, layers: 0)
    }

    /// The sizes of a model with routes, whose ids mean something else on each.
    init(_ router: RouterDescription) {
        let models = router.routes.map(\.model)
        self.init(
            file: router.file, modelType: "router",
            vocabulary: models.map(\.configuration.vocabularySize).min() ?? 1,
            width: models.first?.pipeline.outputWidth ?? 1,
            layers: models.map(\.configuration.layerCount).max() ?? 0)
    }

    /// The sizes of a table of vectors, which has no layers.
    init(_ layout: TableLayout, file: String) {
        self.init(
            file: file, modelType: layout.kind.rawValue, vocabulary: layout.vocabularySize,
            width: layout.width, layers: 0)
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
