/// The `config.json` of a folder that `scripts/convert/use_multilingual.py` made.
package struct UniversalEncoderConfiguration: Equatable, Sendable {
    static let modelType = "universal-sentence-encoder"

    /// A pair of convolutions over `order` tokens, `left` of them before the one in the middle.
    struct Branch: Equatable, Sendable {
        let order: Int
        let left: Int
    }

    let file: String
    let vocabularySize: Int
    let embeddingWidth: Int
    /// Rows of the table with equal remainders by this number share a scale.
    let tableChunks: Int
    let convolutionWidth: Int
    let branches: [Branch]
    /// The width of a vector.
    let width: Int
    let headWidth: Int
    let epsilon: Float

    /// An embedding and each branch's result, side by side.
    var featureWidth: Int { embeddingWidth + branches.count * convolutionWidth }

    /// - Throws: ``ModelError``.
    init(_ file: ConfigurationFile) throws(ModelError) {
        let limit = 1...ModelConfiguration.Limit.width
        self.file = file.path
        vocabularySize = try file.requiredInteger(
            "vocab_size", in: 1...ModelConfiguration.Limit.vocabulary)
        embeddingWidth = try file.requiredInteger("embedding_size", in: limit)
        tableChunks = try file.requiredInteger("table_chunks", in: 1...1000)
        convolutionWidth = try file.requiredInteger("convolution_size", in: limit)
        width = try file.requiredInteger("hidden_size", in: limit)
        headWidth = try file.requiredInteger("head_size", in: limit)
        epsilon = Float(try file.number("layer_norm_eps", in: 1e-30...0.1) ?? 1e-12)
        let orders = file["orders"]?.array?.compactMap(\.int) ?? []
        let lefts = file["left_contexts"]?.array?.compactMap(\.int) ?? []
        guard !orders.isEmpty, orders.count == lefts.count,
            zip(orders, lefts).allSatisfy({ (1...64).contains($0) && (0..<$0).contains($1) })
        else {
            throw .malformed(
                file: file.path, field: "orders",
                reason: "must be as many as left_contexts, each more than its left context")
        }
        branches = zip(orders, lefts).map { Branch(order: $0, left: $1) }
    }
}
