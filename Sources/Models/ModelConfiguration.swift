/// A transformer's `config.json`, checked: every number is positive and of a sane size.
///
/// The fields are those that all families have; what only one has is in its file under `Families`.
package struct ModelConfiguration: Equatable, Sendable {
    /// The bounds within which a configuration is believed, before anything is allocated by it.
    enum Limit {
        /// Of any vector: hidden, intermediate, pooled.
        static let width = 1 << 20
        static let vocabulary = 1 << 24
        static let positions = 1 << 24
        static let layers = 1_024
        static let heads = 1_024
        static let tokenTypes = 1_024
    }

    /// The path of the file.
    package let file: String
    /// `model_type`: which family the model is of.
    package let modelType: String
    package let architectures: [String]
    /// Whether the file says that tokens see only those before them; nil when it does not say.
    package let statedCausal: Bool?
    /// The rows of the table of token vectors.
    package let vocabularySize: Int
    package let hiddenSize: Int
    package let layerCount: Int
    package let headCount: Int
    /// The width of an attention head where the file states one, else nil.
    package let statedHeadWidth: Int?
    /// The width between the two layers of the feed-forward block.
    package var intermediateSize: Int
    package var activation: ActivationFunction
    /// How the feed-forward block is gated, nil when it is not.
    package var gating: Gating?
    package let layerNormEpsilon: Double
    /// `max_position_embeddings`: the rows of the table of position vectors, if it has one.
    package let positionCount: Int?
    /// The rows of the table of token type vectors; 0 without one.
    package let tokenTypeCount: Int
    package let paddingTokenID: Int?
    /// The width of the embedding tables where a family has one of its own, else nil.
    package var embeddingSize: Int?
    /// How layers share weights where a family's do, else nil.
    package var sharing: LayerSharing?
    /// Biases by distance where a family has them, else nil.
    package var relativePositions: RelativePositions?
    /// Scores by content and distance where a family has them, else nil.
    package var disentangled: DisentangledPositions?
    /// A convolution beside the first layer where a family has one, else nil.
    package var convolution: EmbeddingConvolution?
    /// Whether there is a table of absolute positions, of `positionCount` rows.
    package var hasPositionTable = true
    /// What attention's scores are multiplied by where that is not `1 / sqrt(headWidth)`.
    package var scoreScale: Double?

    /// The encoder, for a family that reads its switches together with the fields; else nil.
    package private(set) var encoder: EncoderConfiguration?

    /// Whether the model was made to continue texts, and not turned into an encoder since.
    package var isCausalLanguageModel: Bool {
        (architectures.first?.hasSuffix("ForCausalLM") ?? false) && statedCausal != false
    }

    /// The width of one attention head.
    package var headWidth: Int { encoder?.headSize ?? statedHeadWidth ?? hiddenSize / headCount }

    /// The same configuration with its encoder.
    func computed(by encoder: EncoderConfiguration) -> ModelConfiguration {
        var configuration = self
        configuration.encoder = encoder
        return configuration
    }

    /// Checks that a tokenizer's ids all have a row in the table of token vectors.
    ///
    /// - Parameter vocabularySize: one more than the highest id that the tokenizer can give.
    /// - Throws: `ModelError.inconsistent`.
    package func check(tokenizerVocabulary vocabularySize: Int, file: String) throws(ModelError) {
        guard vocabularySize <= self.vocabularySize else {
            throw .inconsistent(
                file: file, field: "vocabulary",
                reason: "has ids up to \(vocabularySize - 1), but \(self.file): vocab_size gives "
                    + "\(self.vocabularySize) vectors")
        }
    }
}

/// The keys under which a family's `config.json` has the fields that all families have.
struct ConfigurationKeys {
    var hiddenSize = "hidden_size"
    var layerCount = "num_hidden_layers"
    var headCount = "num_attention_heads"
    /// Nil where a head has its share of the hidden size.
    var headWidth: String?
    var intermediateSize = "intermediate_size"
    /// Nil where the default always holds, or a family reads it itself.
    var activation: String? = "hidden_act"
    var positionCount = "max_position_embeddings"
    /// Whether heads have a width of their own, which need not divide the hidden size.
    var hasHeadWidth = false
    /// Nil where the default always holds.
    var layerNormEpsilon: String? = "layer_norm_eps"
    /// Nil where there are no token types.
    var tokenTypeCount: String? = "type_vocab_size"
}

/// What a family's model has when its file does not say, as in the reference's configuration class.
struct ConfigurationDefaults {
    var layerNormEpsilon = 1e-12
    var activation = ActivationFunction.gelu
    /// 0 for a family without token types.
    var tokenTypeCount = 0
    var paddingTokenID: Int?
}

extension ModelConfiguration {
    /// Reads and checks the common fields.
    ///
    /// - Throws: ``ModelError``.
    init(
        _ file: ConfigurationFile, keys: ConfigurationKeys = .init(),
        defaults: ConfigurationDefaults = .init()
    ) throws(ModelError) {
        self.file = file.path
        modelType = try file.requiredText("model_type")
        architectures = try file.texts("architectures") ?? []
        statedCausal = try file.flag("is_causal")
        vocabularySize = try file.requiredInteger("vocab_size", in: 1...Limit.vocabulary)
        hiddenSize = try file.requiredInteger(keys.hiddenSize, in: 1...Limit.width)
        layerCount = try file.requiredInteger(keys.layerCount, in: 1...Limit.layers)
        headCount = try file.requiredInteger(keys.headCount, in: 1...Limit.heads)
        intermediateSize = try file.requiredInteger(keys.intermediateSize, in: 1...Limit.width)
        statedHeadWidth =
            if let key = keys.headWidth { try file.integer(key, in: 1...Limit.width) } else { nil }
        activation =
            if let key = keys.activation {
                try ActivationFunction(hidden: key, of: file, default: defaults.activation)
            } else {
                defaults.activation
            }
        layerNormEpsilon = try Self.epsilon(file, keys) ?? defaults.layerNormEpsilon
        positionCount = try file.integer(keys.positionCount, in: 1...Limit.positions)
        var typeCount: Int?
        if let key = keys.tokenTypeCount {
            typeCount = try file.integer(key, in: 0...Limit.tokenTypes)
        }
        tokenTypeCount = typeCount ?? defaults.tokenTypeCount
        paddingTokenID =
            try file.integer("pad_token_id", in: 0...Limit.vocabulary) ?? defaults.paddingTokenID
        let isFree = statedHeadWidth != nil || keys.hasHeadWidth
        guard isFree || hiddenSize.isMultiple(of: headCount) else {
            throw .inconsistent(
                file: file.path, field: keys.hiddenSize,
                reason: "\(hiddenSize) is not a multiple of \(keys.headCount) \(headCount)")
        }
    }

    private static func epsilon(
        _ file: ConfigurationFile, _ keys: ConfigurationKeys
    ) throws(ModelError) -> Double? {
        guard let key = keys.layerNormEpsilon else { return nil }
        // Smaller than this, a float32 variance of zero would divide by zero.
        return try file.number(key, in: 1e-30...0.1)
    }
}
