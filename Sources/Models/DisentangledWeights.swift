import Kernels

/// The keys and queries of all distances, which each of a layer's heads meets.
struct DisentangledWeights: Sendable {
    /// One matrix `[2 * span, headSize]` a head; empty without c2p.
    let keys: [PackedWeights]
    /// The same for p2c.
    let queries: [PackedWeights]

    var byteCount: Int { (keys + queries).reduce(0) { $0 + $1.byteCount } }
}

/// What the layers' positions have in common: the vectors of the distances, and their rows.
struct DisentangledTable: Sendable {
    let positions: DisentangledPositions
    /// The longest text that `rows` reaches over, in tokens.
    let length: Int
    /// Of every distance from `1 - length` to `length - 1`, the row of the table.
    let rows: [Int32]
    /// `[2 * span, hidden]`, after the norm.
    private let vectors: AlignedBuffer
    private let hidden: Int

    /// Queries whose scores are computed at once.
    static let blockRows = 64

    /// - Throws: `ModelError` for a tensor that is missing or has another shape.
    init(
        _ positions: DisentangledPositions, _ configuration: EncoderConfiguration,
        source: some TensorSource, norm: NormWeights?, kernels: Kernels
    ) throws(ModelError) {
        self.positions = positions
        hidden = configuration.hiddenSize
        let length = configuration.lengthMaximum
        self.length = length
        rows = (1 - length..<length).map { Int32(positions.row(distance: $0)) }
        let shape = [2 * positions.span, hidden]
        let table = try source.tensor(
            named: DisentangledPositions.tableName + ".weight", shape: shape)
        vectors = AlignedBuffer(byteCount: 4 * table.count)
        let target = vectors.elements(of: Float.self)
        table.copyFloats(
            from: 0, into: UnsafeMutableBufferPointer(start: target, count: table.count))
        if let norm {
            let rows = Rows(target, count: shape[0], stride: hidden)
            kernels.norm(rows, norm, to: rows)
        }
    }

    /// Projects all distances' vectors, and packs the result head by head as `type`.
    func project(
        _ projection: PackedWeights, heads: Int, type: NumericType, kernels: Kernels
    ) -> [PackedWeights] {
        let count = 2 * positions.span
        let projected = AlignedBuffer(byteCount: 4 * count * hidden)
        let rows = Rows(projected.elements(of: Float.self), count: count, stride: hidden)
        kernels.linear(
            .float32(Rows(vectors.elements(of: Float.self), count: count, stride: hidden)),
            projection, panels: 0..<projection.panelCount, to: .float32(rows))
        let size = hidden / heads
        return (0..<heads).map { head in
            var matrix: [Float] = []
            matrix.reserveCapacity(count * size)
            for row in 0..<count {
                let start = rows.base + row * hidden + head * size
                matrix.append(contentsOf: UnsafeBufferPointer(start: start, count: size))
            }
            return matrix.withUnsafeBytes {
                let stored = StoredMatrix(type: .float32, rows: count, columns: size, bytes: $0)
                return PackedWeights([stored], biases: [nil], as: type)
            }
        }
    }

    /// The rows that distances within a text of `length` tokens have, as whole panels of 64.
    func panels(length: Int) -> Range<Int> {
        let first = positions.row(distance: 1 - length)
        let last = positions.row(distance: length - 1)
        return first / 64..<last / 64 + 1
    }

    /// The bytes that the biases of one block of queries and what they come from take.
    static func scratchByteCount(_ positions: DisentangledPositions, length: Int) -> Int {
        let width = 2 * positions.span
        return 4 * (blockRows * length + blockRows * width + length * width)
    }
}

extension WeightReader {
    /// The keys and queries that a layer's projections make of the distances' vectors.
    func positions(
        _ table: DisentangledTable, _ index: Int, _ configuration: EncoderConfiguration,
        _ type: NumericType
    ) throws(ModelError) -> DisentangledWeights {
        let names = configuration.names
        let positions = table.positions
        let hidden = configuration.hiddenSize
        func project(_ name: String) throws(ModelError) -> [PackedWeights] {
            let layer = try linear(
                [(hidden, names.layer(index, name))], hidden, .float32, nil)
            return table.project(
                layer.weights, heads: configuration.headCount,
                type: type == .float32 ? .float32 : .bfloat16, kernels: kernels)
        }
        let shares = positions.sharesProjections
        return DisentangledWeights(
            keys: positions.hasKeys
                ? try project(shares ? names.key : DisentangledPositions.keyName) : [],
            queries: positions.hasQueries
                ? try project(shares ? names.query : DisentangledPositions.queryName) : [])
    }
}

/// The biases of one head of one text, computed block by block of its queries.
struct DisentangledBias {
    let table: DisentangledTable
    let weights: DisentangledWeights
    let head: Int
    let kernels: Kernels
    /// The text's tokens.
    let length: Int
    /// `[blockRows, length]`: what a query of the block adds to each key's score.
    let bias: UnsafeMutablePointer<Float>
    /// `[blockRows, 2 * span]`: queries of the block times the distances' keys.
    private let byKey: UnsafeMutablePointer<Float>
    /// `[length, 2 * span]`: keys of the text times the distances' queries.
    private let byQuery: UnsafeMutablePointer<Float>

    /// - Parameter scratch: `DisentangledTable.scratchByteCount` bytes.
    init(
        _ table: DisentangledTable, _ weights: DisentangledWeights, head: Int, length: Int,
        kernels: Kernels, scratch: UnsafeMutableRawPointer
    ) {
        self.table = table
        self.weights = weights
        self.head = head
        self.kernels = kernels
        self.length = length
        bias = scratch.assumingMemoryBound(to: Float.self)
        byKey = bias + DisentangledTable.blockRows * length
        byQuery = byKey + DisentangledTable.blockRows * 2 * table.positions.span
    }

    private var width: Int { 2 * table.positions.span }

    /// Takes in all keys of the text, before the first block.
    func begin(keys: LinearInput) {
        guard !weights.queries.isEmpty else { return }
        multiply(keys, weights.queries[head], Rows(byQuery, count: length, stride: width))
    }

    /// Computes the biases of `count` queries, of which the first stands at `first`.
    func compute(queries: LinearInput, first: Int, count: Int) {
        if !weights.keys.isEmpty {
            multiply(queries, weights.keys[head], Rows(byKey, count: count, stride: width))
        }
        table.rows.withUnsafeBufferPointer { rows in
            guard let rows = rows.baseAddress else { return }
            for query in 0..<count {
                // The row of key k is `row[-k]`.
                let row = rows + (table.length - 1) + first + query
                let target = bias + query * length
                if weights.keys.isEmpty {
                    target.update(repeating: 0, count: length)
                } else {
                    let source = byKey + query * width
                    for key in 0..<length { target[key] = source[Int(row[-key])] }
                }
                guard !weights.queries.isEmpty else { continue }
                for key in 0..<length { target[key] += byQuery[key * width + Int(row[-key])] }
            }
        }
    }

    private func multiply(_ input: LinearInput, _ weights: PackedWeights, _ output: Rows<Float>) {
        kernels.linear(input, weights, panels: table.panels(length: length), to: .float32(output))
    }
}
