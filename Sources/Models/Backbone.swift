import Kernels

/// The body of a model: batches of token ids to one vector a token, before any pooling.
///
/// It is immutable and shared by all compute threads; each brings a workspace of its own. What a
/// text's tokens give depends on that text alone, never on its neighbours in a batch or on threads.
package protocol Backbone: Sendable {
    /// Components of a token's vector.
    var width: Int { get }
    /// How many steps of `BackboneWorkspace.layer` a batch takes.
    var layerCount: Int { get }
    /// Whether a token's vector depends on the other tokens of its text.
    var isContextual: Bool { get }
    /// Whether a batch is computed by all threads of a workspace's team; else by the calling one.
    var isDivisible: Bool { get }
    /// Whether every token has a vector; else only words do, each ended by `wordEndID`.
    var hasVectorPerToken: Bool { get }
    /// The id behind a word's last token, where words have vectors and not tokens.
    var wordEndID: Int32? { get }
    /// The numbers of the matrix products.
    var type: NumericType { get }
    /// What computes them.
    var kernels: Kernels { get }
    /// The bytes of the weights in memory: packed layers, and tables of vectors.
    var weightBytes: Int { get }
    /// What a token of a text of `length` tokens costs; nil where nobody counted it.
    func operations(length: Int) -> TokenOperations?
    /// The layers that an int8 backbone keeps in bfloat16, for people.
    var bfloat16Layers: [String] { get }

    /// Memory for one thread, enough for batches of up to `tokensMaximum` tokens; a larger batch
    /// makes it grow.
    func makeBackboneWorkspace(tokensMaximum: Int, team: Team?) -> any BackboneWorkspace
}

/// A backbone at work on one thread: `begin` takes a batch, `layer` is called for each layer in turn,
/// then the batch's token vectors are there.
///
/// Between two calls the thread may do other work, in another workspace.
package protocol BackboneWorkspace: AnyObject {
    /// The threads that compute the next batch together; nil for the calling one alone.
    ///
    /// Set it before `begin`; a team is lent for one batch.
    var team: Team? { get set }
    /// The batch in work.
    var batch: PackedBatch { get }
    /// Where the time goes; nil for not measuring, as at first.
    var times: StageTimes? { get set }

    /// Tells by what the texts of the next batches are pooled; nil where all states are wanted, as at first.
    ///
    /// The last layer may leave out what pooling does not read.
    func expect(_ pooling: PoolingConfiguration?)

    /// Checks a batch and takes it in.
    ///
    /// - Throws: `EncoderError` when the model cannot take the batch; the workspace can be used again.
    func begin(_ batch: PackedBatch) throws(EncoderError)

    /// Computes layer `index` of the batch; a backbone without layers has nothing to do here.
    func layer(_ index: Int)

    /// The vectors of text `index`, one row of `width` numbers a token, after all layers.
    ///
    /// They are valid until the next `begin`.
    func states(of index: Int) -> Rows<Float>

    /// Writes the pooled vector of text `index` to `target`: `pooling` over its token vectors, or what
    /// the family has in its place.
    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>)
}

extension Backbone {
    package var isDivisible: Bool { false }
    package var hasVectorPerToken: Bool { wordEndID == nil }
    package var wordEndID: Int32? { nil }

    package var bfloat16Layers: [String] { [] }

    package func operations(length: Int) -> TokenOperations? { nil }
}

extension BackboneWorkspace {
    package var times: StageTimes? {
        get { nil }
        set {}
    }

    package func expect(_ pooling: PoolingConfiguration?) {}

    /// Pools rows of `width` numbers as the folder's Pooling module says.
    func poolStates(
        _ index: Int, width: Int, by pooling: PoolingConfiguration,
        into target: UnsafeMutablePointer<Float>
    ) {
        pooling.pool(
            states(of: index), width: width, promptTokenCount: batch.promptTokenCount(of: index),
            into: target)
    }
}

extension Encoder: Backbone {
    package var width: Int { configuration.hiddenSize }
    package var layerCount: Int { configuration.layerCount }
    package var isContextual: Bool { true }
    package var isDivisible: Bool { true }
    package var weightBytes: Int { packedByteCount + embeddingByteCount }

    package func operations(length: Int) -> TokenOperations? {
        configuration.operations(length: length)
    }

    package func makeBackboneWorkspace(
        tokensMaximum: Int, team: Team?
    ) -> any BackboneWorkspace {
        EncoderWorkspace(
            encoder: self, memory: makeWorkspace(tokensMaximum: tokensMaximum, team: team))
    }
}

/// A transformer encoder with the memory of one thread.
final class EncoderWorkspace: BackboneWorkspace {
    private let encoder: Encoder
    private let memory: Workspace
    private var expected: PoolingConfiguration?

    init(encoder: Encoder, memory: Workspace) {
        self.encoder = encoder
        self.memory = memory
    }

    var team: Team? {
        get { memory.team }
        set { memory.team = newValue }
    }

    var batch: PackedBatch { memory.batch }

    var times: StageTimes? {
        get { memory.times }
        set { memory.times = newValue }
    }

    func expect(_ pooling: PoolingConfiguration?) {
        guard pooling != expected else { return }
        expected = pooling
        memory.pooled = pooling.flatMap { PooledTokens($0, of: encoder.configuration) }
    }

    func begin(_ batch: PackedBatch) throws(EncoderError) {
        try encoder.begin(batch, workspace: memory)
    }

    func layer(_ index: Int) {
        encoder.layer(index, workspace: memory)
    }

    func states(of index: Int) -> Rows<Float> {
        guard memory.pooledRows.isEmpty else {
            return memory.hidden.rows(from: index, count: 1)
        }
        let tokens = memory.batch.tokens(of: index)
        return memory.hidden.rows(from: tokens.lowerBound, count: tokens.count)
    }

    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>
    ) {
        guard memory.pooledRows.isEmpty else {
            target.update(from: states(of: index).base, count: encoder.width)
            return
        }
        poolStates(index, width: encoder.width, by: pooling, into: target)
    }
}
