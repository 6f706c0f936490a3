import Kernels

/// The shape of a transformer encoder, and the switches in which the families differ.
package struct EncoderConfiguration: Equatable, Sendable {
    package var vocabularySize: Int
    package var hiddenSize: Int
    /// The width of the embedding tables and their norm, if a linear layer
    /// (`names.embeddingProjection`) widens their sum to `hiddenSize`; nil when there is none.
    package var embeddingSize: Int?
    package var layerCount: Int
    /// How layers share their weights; nil when each has its own.
    package var sharing: LayerSharing?
    package var headCount: Int
    /// The width of the feed-forward layer.
    package var intermediateSize: Int
    package var activation: Activation
    package var normEpsilon: Float
    /// Rows of the table of learned positions.
    package var positionCount: Int
    /// The row of a text's first token: 0 for BERT, the padding id + 1 for RoBERTa's line.
    package var positionOffset: Int
    /// The id that keeps the row before `positionOffset` wherever it stands, and is not counted; nil
    /// when every token is.
    package var positionPadding: Int32?
    /// The biases that scores get by the distance from query to key; nil for none.
    package var relativePositions: RelativePositions?
    /// Rows of the token type table; 0 when there is none.
    package var typeCount: Int
    package var names: EncoderTensorNames

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
    package var headSize: Int { hiddenSize / headCount }

    /// What attention's scores are multiplied by.
    package var attentionScale: Float { 1 / Float(headSize).squareRoot() }

    /// The most tokens of one text.
    package var lengthMaximum: Int { positionCount - positionOffset }

    /// The layers whose weights are stored.
    package var storedLayerCount: Int { sharing?.storedCount ?? layerCount }

    /// The stored layer with the weights of layer `index`.
    package func storedLayer(_ index: Int) -> Int {
        sharing?.storedLayer(index, of: layerCount) ?? index
    }

    /// What is wrong with the numbers, or nil.
    package var fault: String? {
        let counts = [
            vocabularySize, hiddenSize, layerCount, headCount, intermediateSize, positionCount,
            embeddingSize ?? hiddenSize, storedLayerCount,
        ]
        guard counts.allSatisfy({ $0 > 0 }) else { return "a size is not above zero" }
        guard hiddenSize % headCount == 0 else {
            return "hidden_size \(hiddenSize) is not a multiple of the \(headCount) heads"
        }
        guard positionOffset >= 0, positionOffset < positionCount else {
            return "no position is left after the first \(positionOffset)"
        }
        guard typeCount >= 0, normEpsilon >= 0, normEpsilon.isFinite else {
            return "a negative or infinite number"
        }
        return nil
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
    package var attentionOutput: String
    package var attentionNorm: String
    package var intermediate: String
    package var output: String
    package var outputNorm: String

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
