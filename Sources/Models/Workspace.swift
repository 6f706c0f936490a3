import Kernels

/// The memory in which one thread (or one team) computes one batch.
///
/// It is made once for a worker and used batch after batch; it grows only for a batch that is larger
/// than any before.
package final class Workspace {
    private let configuration: EncoderConfiguration
    private let type: NumericType
    /// The threads that compute the next batch together; nil for the calling one alone.
    ///
    /// Set it before `begin`; a team is lent for one batch.
    package var team: Team?
    private var scratchCount = 1
    private(set) var capacity = 0
    private(set) var lengthCapacity = 0

    /// Notes what linear layers read, when it is there; bfloat16 only.
    var ranges: InputRanges?
    /// Where the time goes; nil for not measuring.
    var times: StageTimes?
    /// What pooling will read, where that is one token a text.
    var pooled: PooledTokens?
    /// The rows of the batch in work that the last layer computes; empty for all.
    private(set) var pooledRows: [Int] = []
    /// The batch in work.
    var batch = PackedBatch()
    var positions: [Int32] = []
    /// For each of the configuration's patterns that rotates, the angles of the batch's positions.
    var angles: [RotaryAngles?]
    private var arena = AlignedBuffer(byteCount: 64)
    private(set) var scratchByteCount = 0
    /// The part of a member's scratch that attention itself takes, from the start.
    private(set) var attentionByteCount = 0

    // Offsets into the arena, in bytes.
    private var hiddenAt = 0
    private var hiddenCopyAt = 0
    private var normedAt = 0
    private var normedCopyAt = 0
    private var embeddingCopyAt = 0
    private var mixedAt = 0
    private var contextAt = 0
    private var innerAt = 0
    private var quantizedAt = 0
    private var scalesAt = 0
    private var zerosAt = 0
    private var scratchAt = 0

    /// Rows that go through the feed-forward layer at once: their inner rows stay in the second cache.
    static let blockRows = 96

    init(
        _ configuration: EncoderConfiguration, type: NumericType, tokensMaximum: Int,
        team: Team?
    ) {
        self.configuration = configuration
        self.type = type
        angles = configuration.patterns.map { $0.rotary.map(RotaryAngles.init) }
        self.team = team
        reserve(
            tokens: max(1, tokensMaximum),
            length: max(1, min(tokensMaximum, configuration.lengthMaximum)))
    }

    /// Finds the tokens that pooling will read.
    func findPooledTokens() {
        pooledRows.removeAll(keepingCapacity: true)
        pooled?.find(in: batch, &pooledRows)
    }

    /// Makes room for a batch of `tokens` tokens whose longest text has `length`.
    func reserve(tokens: Int, length: Int) {
        let threads = Crew(team).width
        guard tokens > capacity || length > lengthCapacity || threads > scratchCount else { return }
        scratchCount = max(threads, scratchCount)
        capacity = max(tokens, capacity)
        lengthCapacity = max(length, lengthCapacity)
        let hidden = configuration.hiddenSize
        let inner = configuration.innerWidth
        let attention = configuration.attentionWidth
        attentionByteCount =
            AttentionShape(
                queries: 1, keys: lengthCapacity, headSize: configuration.headSize, scale: 1
            ).scratchByteCount
        let biasByteCount =
            configuration.disentangled.map {
                DisentangledTable.scratchByteCount($0, length: lengthCapacity)
            } ?? 0
        let blockByteCounts = configuration.patterns.compactMap {
            $0.blocks?.scratchByteCount(headSize: configuration.headSize)
        }
        let besideByteCount = max(biasByteCount, blockByteCounts.max() ?? 0)
        scratchByteCount = (attentionByteCount + besideByteCount + 63) & ~63
        let unfoldedWidth = (configuration.convolution?.width ?? 0) * hidden
        var size = 0
        func take(_ bytes: Int) -> Int {
            let at = size
            size += (bytes + 63) & ~63
            return at
        }
        hiddenAt = take(capacity * hidden * 4)
        hiddenCopyAt = take(capacity * (hidden + 1) * 2)
        if configuration.hasNormedRows {
            normedAt = take(Self.blockRows * hidden * 4)
            normedCopyAt = take(Self.blockRows * (hidden + 1) * 2)
        }
        embeddingCopyAt = take(configuration.convolution == nil ? 0 : capacity * hidden * 4)
        mixedAt = take(
            4 * capacity
                * max(configuration.mixedWidth, configuration.embeddingSize ?? 0, unfoldedWidth))
        contextAt = take(capacity * (attention + 1) * 4)
        innerAt = take(Self.blockRows * (inner + 1) * 4)
        let quantizedRows = max(capacity, Self.blockRows)
        quantizedAt = take(quantizedRows * (max(hidden, max(inner, attention)) + 3))
        scalesAt = take(quantizedRows * 4)
        zerosAt = take(quantizedRows * 4)
        scratchAt = take(scratchCount * scratchByteCount)
        arena = AlignedBuffer(byteCount: size)
        positions.reserveCapacity(capacity)
    }

    private func rows<Element: BitwiseCopyable>(
        at offset: Int, _ type: Element.Type, count: Int, stride: Int
    ) -> Rows<Element> {
        let base = arena.bytes.baseAddress.unsafelyUnwrapped + offset
        return Rows(
            base.assumingMemoryBound(to: type), count: count, stride: stride)
    }

    /// The residual stream: `[tokens, hidden]`.
    package var hidden: Rows<Float> {
        rows(
            at: hiddenAt, Float.self, count: batch.tokenCount, stride: configuration.hiddenSize)
    }

    /// The residual stream rounded to bfloat16; the stride is even.
    var hiddenCopy: Rows<UInt16> {
        rows(
            at: hiddenCopyAt, UInt16.self, count: batch.tokenCount,
            stride: PackedWeights.padded(configuration.hiddenSize, for: .bfloat16))
    }

    /// The normalised rows of one block, where norms stand before what they feed.
    func normed(count: Int) -> Rows<Float> {
        rows(at: normedAt, Float.self, count: count, stride: configuration.hiddenSize)
    }

    /// Those rounded to bfloat16; the stride is even.
    func normedCopy(count: Int) -> Rows<UInt16> {
        rows(
            at: normedCopyAt, UInt16.self, count: count,
            stride: PackedWeights.padded(configuration.hiddenSize, for: .bfloat16))
    }

    /// The sum of the embeddings before their projection: `[tokens, embeddingSize]`, in the place of
    /// `mixed`, which is not in use then.
    var embedded: Rows<Float> {
        rows(
            at: mixedAt, Float.self, count: batch.tokenCount,
            stride: configuration.embeddingSize ?? configuration.hiddenSize)
    }

    /// The embeddings as the first layer reads them, kept for a convolution: `[tokens, hidden]`.
    var embeddingCopy: Rows<Float> {
        rows(
            at: embeddingCopyAt, Float.self, count: batch.tokenCount,
            stride: configuration.hiddenSize)
    }

    /// Tokens with their neighbours beside them, for a convolution; in the place of `mixed`.
    func unfolded(count: Int, columns: Int) -> Rows<Float> {
        rows(at: mixedAt, Float.self, count: count, stride: columns)
    }

    /// Query, key and value: `[tokens, mixedWidth]`.
    func mixed<Element: BitwiseCopyable>(as type: Element.Type) -> Rows<Element> {
        rows(at: mixedAt, type, count: batch.tokenCount, stride: configuration.mixedWidth)
    }

    /// What attention gives: `[tokens, attentionWidth]`; the stride is even.
    func context<Element: BitwiseCopyable>(as type: Element.Type) -> Rows<Element> {
        rows(
            at: contextAt, type, count: batch.tokenCount,
            stride: PackedWeights.padded(configuration.attentionWidth, for: .bfloat16))
    }

    /// The feed-forward layer's inner rows of one block; the stride is even.
    func inner<Element: BitwiseCopyable>(as type: Element.Type, count: Int) -> Rows<Element> {
        rows(
            at: innerAt, type, count: count,
            stride: PackedWeights.padded(configuration.innerWidth, for: .bfloat16))
    }

    /// Room for `count` rows of `columns` numbers in eight bits.
    func quantized(count: Int, columns: Int) -> QuantizedRows {
        let base = arena.bytes.baseAddress.unsafelyUnwrapped
        return QuantizedRows(
            values: rows(
                at: quantizedAt, UInt8.self, count: count,
                stride: PackedWeights.padded(columns, for: .int8)),
            scales: (base + scalesAt).assumingMemoryBound(to: Float.self),
            zeros: (base + zerosAt).assumingMemoryBound(to: Int32.self))
    }

    /// The scratch of team member `member`.
    func scratch(_ member: Int) -> UnsafeMutableRawPointer {
        precondition(member < scratchCount)
        return arena.bytes.baseAddress.unsafelyUnwrapped + scratchAt + member * scratchByteCount
    }
}
