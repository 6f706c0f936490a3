import Kernels
import Platform

/// A table of token vectors, computed without any layer: static embeddings and word vectors.
///
/// All numbers are widened to float32 as they are read, whatever they are stored in, so its vectors
/// are the same for every `dtype`. The rows stay in the mapped file.
package final class TokenTable: Backbone {
    package let width: Int
    package let kernels: Kernels
    /// `[vectors, width]`.
    private let embeddings: TensorView
    /// The row of each id; empty where it is the id's own.
    private let mapping: [Int32]
    /// What each id's vector is multiplied by; empty for 1.
    private let weights: [Float]
    /// Whether the sum of the weights of a text's tokens is its mean's divisor, and not their number.
    private let dividesByWeights: Bool
    package let vocabularySize: Int

    package var layerCount: Int { 0 }
    package var isContextual: Bool { false }
    package var type: NumericType { .float32 }
    package var weightBytes: Int { embeddings.bytes.count + 4 * (mapping.count + weights.count) }

    /// Reads the tensors of `layout`.
    ///
    /// - Throws: ``ModelError`` for tensors of other shapes, or a mapping to rows that are not there.
    init(
        _ layout: TableLayout, folder: ModelFolder, weights files: WeightFiles, kernels: Kernels
    ) throws(ModelError) {
        width = layout.width
        self.kernels = kernels
        vocabularySize = layout.vocabularySize
        embeddings = try files.tensor(named: layout.embeddings)
        mapping =
            if let name = layout.mapping {
                try Self.rows(files.tensor(named: name), below: embeddings.shape[0], files.origin)
            } else {
                []
            }
        dividesByWeights = layout.wordWeightsPath != nil
        if let path = layout.wordWeightsPath {
            let source = try WeightFiles(folder, in: path)
            weights = try source.tensor(
                named: "emb_layer.weight", shape: [layout.vocabularySize, 1]
            ).floats()
        } else if let name = layout.weights {
            let tensor = try files.tensor(named: name)
            guard tensor.shape == [layout.vocabularySize] else {
                throw .inconsistent(
                    file: files.origin, field: "tensor \(name)",
                    reason: "shape \(tensor.shape), but there are \(layout.vocabularySize) ids")
            }
            try tensor.requireNumbers(files.origin)
            weights = tensor.floats()
        } else {
            weights = []
        }
    }

    /// The mapping from ids to rows, each checked to be there.
    private static func rows(
        _ tensor: TensorView, below count: Int, _ file: String
    ) throws(ModelError) -> [Int32] {
        guard tensor.dtype == .int64 || tensor.dtype == .int32 else {
            throw .unsupported(
                file: file, field: "tensor \(tensor.name): dtype", value: tensor.dtype.rawValue,
                supported: ["I64", "I32"])
        }
        let size = tensor.dtype.bits / 8
        var rows: [Int32] = []
        rows.reserveCapacity(tensor.count)
        for index in 0..<tensor.count {
            let row =
                size == 8
                ? tensor.bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
                : Int64(tensor.bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
            guard row >= 0, row < count else {
                throw .inconsistent(
                    file: file, field: "tensor \(tensor.name)",
                    reason: "id \(index) is mapped to row \(row) of \(count)")
            }
            rows.append(Int32(truncatingIfNeeded: row))
        }
        return rows
    }

    package func makeBackboneWorkspace(
        tokensMaximum: Int, team: Team?
    ) -> any BackboneWorkspace {
        TableWorkspace(self)
    }

    /// Writes the vector of `id`, its weight included; returns the weight.
    ///
    /// - Precondition: `id` is below `vocabularySize`, and `target` has `width` places.
    @discardableResult
    func copyVector(of id: Int32, into target: UnsafeMutablePointer<Float>) -> Float {
        let row = mapping.isEmpty ? Int(id) : Int(mapping[Int(id)])
        embeddings.copyFloats(
            from: row * width, into: UnsafeMutableBufferPointer(start: target, count: width))
        guard !weights.isEmpty else { return 1 }
        let weight = weights[Int(id)]
        for column in 0..<width { target[column] *= weight }
        return weight
    }

    /// What a mean over tokens is divided by: the sum of their weights where there are any.
    func divisor(sum: Float, otherwise divisor: Float) -> Float {
        dividesByWeights ? max(sum, 1e-9) : divisor
    }
}

/// A table at work on one thread.
final class TableWorkspace: BackboneWorkspace {
    private let table: TokenTable
    /// Vectors of one text, only for callers that want each token's.
    private var gathered: AlignedBuffer?
    private var row: [Float]

    var team: Team?
    private(set) var batch = PackedBatch()

    init(_ table: TokenTable) {
        self.table = table
        row = Array(repeating: 0, count: table.width)
    }

    func begin(_ batch: PackedBatch) throws(EncoderError) {
        let count = Int32(clamping: table.vocabularySize)
        for id in batch.tokenIDs where id < 0 || id >= count {
            throw .idOutOfRange(id: id, count: Int(count))
        }
        self.batch = batch
    }

    func layer(_ index: Int) {}

    func states(of index: Int) -> Rows<Float> {
        let ids = batch.tokenIDs[batch.tokens(of: index)]
        let buffer = AlignedBuffer(byteCount: ids.count * table.width * 4)
        gathered = buffer
        let rows = Rows(
            buffer.elements(of: Float.self), count: ids.count, stride: table.width)
        for (place, id) in ids.enumerated() {
            table.copyVector(of: id, into: rows.base + place * table.width)
        }
        return rows
    }

    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>
    ) {
        let ids = batch.tokenIDs[batch.tokens(of: index)]
        // The reference's word and static embeddings never tell Pooling how long a prompt is.
        for (place, mode) in pooling.modes.enumerated() {
            pool(ids, mode, into: target + place * table.width)
        }
    }

    /// One pass over the tokens in order, without room for all of their vectors.
    private func pool(
        _ ids: ArraySlice<Int32>, _ mode: PoolingConfiguration.Mode,
        into target: UnsafeMutablePointer<Float>
    ) {
        let width = table.width
        target.update(repeating: 0, count: width)
        guard let first = ids.first, let last = ids.last else { return }
        row.withUnsafeMutableBufferPointer { row in
            guard let source = row.baseAddress else { return }
            switch mode {
            case .cls: table.copyVector(of: first, into: target)
            case .lastToken: table.copyVector(of: last, into: target)
            case .max:
                table.copyVector(of: first, into: target)
                for id in ids.dropFirst() {
                    table.copyVector(of: id, into: source)
                    for column in 0..<width { target[column] = max(target[column], source[column]) }
                }
            case .mean, .meanSquareRootLength:
                var sum: Float = 0
                for id in ids {
                    sum += table.copyVector(of: id, into: source)
                    for column in 0..<width { target[column] += source[column] }
                }
                let divisor = table.divisor(sum: sum, otherwise: Float(ids.count))
                let scale = mode == .mean ? divisor : divisor.squareRoot()
                for column in 0..<width { target[column] /= scale }
            case .weightedMean:
                var (places, sum): (Float, Float) = (0, 0)
                for (place, id) in ids.enumerated() {
                    let weight = Float(place + 1)
                    sum += table.copyVector(of: id, into: source)
                    for column in 0..<width { target[column] += weight * source[column] }
                    places += weight
                }
                // As in the reference, where the weights' sum takes the place of the positions' here, too.
                let divisor = table.divisor(sum: sum, otherwise: places)
                for column in 0..<width { target[column] /= divisor }
            }
        }
    }
}
