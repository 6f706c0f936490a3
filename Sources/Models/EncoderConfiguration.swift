import Kernels

/// The shape of a transformer encoder, and the switches in which the families differ.
package struct EncoderConfiguration: Equatable, Sendable {
    package var vocabularySize: Int
    package var hiddenSize: Int
    /// The width of the embedding tables and their norm, if a linear layer
    /// (`names.embeddingProjection`) widens their sum to `hiddenSize`; nil when there is none.
    package var embeddingSize: Int?
    package var layerCount: Int
    /// Whether the embeddings' norm comes after that linear layer, and not before.
    package var normsAfterProjection = false
    /// How layers share their weights; nil when each has its own.
    package var sharing: LayerSharing?
    package var headCount: Int
    /// The heads of the keys and values, each for several of the queries'; nil for as many as those.
    package var keyValueHeadCount: Int?
    /// The width of a head where it is not `hiddenSize / headCount`.
    package var headWidth: Int?
    /// The width of the feed-forward layer.
    package var intermediateSize: Int
    package var activation: Activation
    /// How the feed-forward block is gated; nil when it is not.
    package var gating: Gating?
    package var normEpsilon: Float
    package var normKind = NormKind.layer
    package var normPlacement = NormPlacement.after
    /// What is added to the gains of all norms as they are stored (Gemma: 1).
    package var gainOffset: Float = 0
    /// Whether the first layer has no norm before attention (ModernBERT).
    package var skipsFirstNorm = false
    /// Whether a norm follows the sum of the embeddings.
    package var normsEmbeddings = true
    /// What the sum of the embeddings is multiplied by.
    package var embeddingScale: Float = 1
    /// Whether that is for the token's vectors alone, and not for those of position and type.
    package var scalesWordsAlone = false
    /// The kinds of attention that the layers have; empty for one that takes all keys.
    package var patterns: [AttentionPattern] = []
    /// Which of `patterns` each layer has; empty when all have the first.
    package var patternOfLayer: [Int] = []
    /// Whether scores fall with the distance from query to key, head by head (ALiBi).
    package var hasLinearBias = false
    /// What scores are multiplied by; nil for the usual `1 / sqrt(headSize)`.
    package var scoreScale: Float?
    /// The most tokens of one text where no table of positions sets a limit.
    package var lengthLimit = 1 << 17
    /// Rows of the table of learned positions; 0 when there is none.
    package var positionCount: Int
    /// The row of a text's first token: 0 for BERT, the padding id + 1 for RoBERTa's line.
    package var positionOffset: Int
    /// The id that keeps the row before `positionOffset` wherever it stands, and is not counted; nil
    /// when every token is.
    package var positionPadding: Int32?
    /// The biases that scores get by the distance from query to key; nil for none.
    package var relativePositions: RelativePositions?
    /// Scores by content and distance together; nil for none.
    package var disentangled: DisentangledPositions?
    /// A convolution beside the first layer; nil for none.
    package var convolution: EmbeddingConvolution?
    /// Rows of the token type table; 0 when there is none.
    package var typeCount: Int
    package var names: EncoderTensorNames
    /// Other names under which files of the family have their tensors.
    package var otherSpellings: [TensorSpelling] = []

    package init(
        vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int,
        intermediateSize: Int, activation: Activation = .gelu, normEpsilon: Float = 1e-12,
        positionCount: Int = 512, positionOffset: Int = 0, typeCount: Int = 2,
        names: EncoderTensorNames = .bert
    ) {
        self.vocabularySize = vocabularySize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.intermediateSize = intermediateSize
        self.activation = activation
        self.normEpsilon = normEpsilon
        self.positionCount = positionCount
        self.positionOffset = positionOffset
        self.typeCount = typeCount
        self.names = names
    }

    /// The width of one attention head.
    package var headSize: Int { headWidth ?? hiddenSize / headCount }

    /// The heads of the keys and values.
    package var keyValueHeads: Int { keyValueHeadCount ?? headCount }

    /// The width of all heads' queries together, which is what attention gives.
    package var attentionWidth: Int { headCount * headSize }

    /// The width of queries, keys and values together.
    package var mixedWidth: Int { (headCount + 2 * keyValueHeads) * headSize }

    /// What attention's scores are multiplied by.
    package var attentionScale: Float { scoreScale ?? 1 / Float(headSize).squareRoot() }

    /// The most tokens of one text.
    package var lengthMaximum: Int {
        positionCount == 0 ? lengthLimit : positionCount - positionOffset
    }

    /// The layers whose weights are stored.
    package var storedLayerCount: Int { sharing?.storedCount ?? layerCount }

    /// The stored layer with the weights of layer `index`.
    package func storedLayer(_ index: Int) -> Int {
        sharing?.storedLayer(index, of: layerCount) ?? index
    }

    /// What is wrong with the numbers, or nil.
    package var fault: String? {
        let counts = [
            vocabularySize, hiddenSize, layerCount, headCount, intermediateSize, headSize,
            keyValueHeads, embeddingSize ?? hiddenSize, storedLayerCount, lengthLimit,
        ]
        guard counts.allSatisfy({ $0 > 0 }) else { return "a size is not above zero" }
        guard headWidth != nil || hiddenSize % headCount == 0 else {
            return "hidden_size \(hiddenSize) is not a multiple of the \(headCount) heads"
        }
        guard positionOffset >= 0, positionCount == 0 || positionOffset < positionCount else {
            return "no position is left after the first \(positionOffset)"
        }
        guard typeCount >= 0, normEpsilon >= 0, normEpsilon.isFinite else {
            return "a negative or infinite number"
        }
        return switchFault
    }
}

/// Weights that several layers have in common, as in ALBERT (Lan et al., 2019).
///
/// `blockCount` blocks of `blockSize` layers are stored. The layers run in blocks, and equally long
/// spans of the run use each stored block in turn.
package struct LayerSharing: Equatable, Sendable {
    package var blockCount: Int
    package var blockSize: Int

    package init(blockCount: Int, blockSize: Int) {
        self.blockCount = blockCount
        self.blockSize = blockSize
    }

    var storedCount: Int { blockCount * blockSize }

    /// The stored layer that layer `index` of `layerCount` uses.
    func storedLayer(_ index: Int, of layerCount: Int) -> Int {
        // The reference divides in floating point and cuts: block i / (runs / blocks).
        let runs = layerCount / blockSize
        let block = Int(Double(index / blockSize) / (Double(runs) / Double(blockCount)))
        return min(block, blockCount - 1) * blockSize + index % blockSize
    }
}

/// What a family calls its tensors, each without `.weight` or `.bias`.
package struct EncoderTensorNames: Equatable, Sendable {
    package var wordEmbeddings: String
    /// The table's other name, in checkpoints that have it under that alone.
    package var wordEmbeddingsAlias: String?
    package var positionEmbeddings: String
    package var typeEmbeddings: String
    package var embeddingNorm: String
    /// The layer from the embeddings' width to the hidden one, where these differ.
    package var embeddingProjection = "embeddings_project"
    /// What stands before a layer's number, and follows it in every name of the layer.
    package var layerPrefix: String
    /// Where layers are numbered in blocks: what stands between a block's number and the layer's.
    package var blockInfix: String?
    /// The layers of one such block.
    package var blockSize = 1
    package var query: String
    package var key: String
    package var value: String
    /// The one matrix of query, key and value, where they are stored so.
    package var queryKeyValue: String?
    /// Norms of all heads' queries and keys together, before those are split; nil for none.
    package var wideQueryNorm: String?
    package var wideKeyNorm: String?
    /// Norms of each head's queries and keys; nil for none.
    package var queryNorm: String?
    package var keyNorm: String?
    package var attentionOutput: String
    package var attentionNorm: String
    /// The norm behind attention, where there is one before it too.
    package var attentionPostNorm: String?
    /// A second norm behind attention, of what comes out of the first and attention's input; nil for none.
    package var secondAttentionNorm: String?
    /// The half of a gated feed-forward block that is activated, where it is stored by itself.
    package var gate: String?
    package var intermediate: String
    package var output: String
    package var outputNorm: String
    /// The norm behind the feed-forward block, where there is one before it too.
    package var outputPostNorm: String?
    /// The norm behind the last layer; nil for none.
    package var finalNorm: String?

    /// The names of BERT, RoBERTa, XLM-R, CamemBERT and ELECTRA.
    package static let bert = EncoderTensorNames(
        wordEmbeddings: "embeddings.word_embeddings",
        positionEmbeddings: "embeddings.position_embeddings",
        typeEmbeddings: "embeddings.token_type_embeddings",
        embeddingNorm: "embeddings.LayerNorm",
        layerPrefix: "encoder.layer.",
        query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
        attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
        intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")

    /// The whole name of a layer's tensor.
    package func layer(_ index: Int, _ name: String) -> String {
        guard let blockInfix else { return "\(layerPrefix)\(index).\(name)" }
        return "\(layerPrefix)\(index / blockSize)\(blockInfix)\(index % blockSize).\(name)"
    }
}
