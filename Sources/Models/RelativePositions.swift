import Glibc

/// A bias on attention's scores by the distance from query to key.
///
/// T5's scheme (Raffel et al., 2019, §2.1): distances fall into buckets, exact ones for near keys and
/// logarithmic ones for far; each bucket has one learned number a head. Keys behind the query and
/// before it have buckets of their own.
package struct RelativePositions: Equatable, Sendable {
    /// The name of the table `[bucketCount, heads]`, without `.weight`.
    package var tensorName: String
    /// Whether every layer has a table, whose name is within the layer's; else one is for all.
    package var isOfLayers = false
    package var bucketCount = 32
    /// The distance from which on all fall into the last bucket.
    package var maximumDistance = 128

    package init(tensorName: String) {
        self.tensorName = tensorName
    }

    /// The bucket of a key that stands `distance` behind the query (negative: before it).
    ///
    /// In float32, as the reference computes it: at the buckets' edges another precision could
    /// decide otherwise.
    package func bucket(distance: Int) -> Int {
        let half = bucketCount / 2
        let exact = half / 2
        let side = distance > 0 ? half : 0
        let length = abs(distance)
        guard length >= exact else { return side + length }
        let range = Float(log(Double(maximumDistance) / Double(exact)))
        let position = logf(Float(length) / Float(exact)) / range * Float(half - exact)
        return side + min(exact + Int(position), half - 1)
    }
}

/// The biases of every head for every distance, ready to be added to scores.
struct RelativeBias: Sendable {
    /// The longest text that they reach over, in tokens.
    let length: Int
    /// `[heads, 2 * length - 1]`; the middle of a row is for the query's own position.
    private let values: [Float]

    /// Reads the table and spreads it over the distances.
    ///
    /// - Throws: `ModelError`.
    init(
        _ positions: RelativePositions, named name: String, source: some TensorSource,
        _ configuration: EncoderConfiguration
    ) throws(ModelError) {
        let heads = configuration.headCount
        let length = configuration.lengthMaximum
        // Scores are multiplied by this after the biases are added.
        let scale = configuration.attentionScale
        let table = try source.tensor(
            named: name + ".weight", shape: [positions.bucketCount, heads]
        ).floats()
        self.length = length
        var values: [Float] = []
        values.reserveCapacity(heads * (2 * length - 1))
        let buckets = (1 - length..<length).map(positions.bucket(distance:))
        for head in 0..<heads {
            for bucket in buckets { values.append(table[bucket * heads + head] / scale) }
        }
        self.values = values
    }

    /// Biases that fall linearly with the distance: `-slope * abs(k - q)` (ALiBi, Press et al., 2021).
    ///
    /// - Parameter scale: what scores are multiplied by after these are added.
    init(slopesOf heads: Int, length: Int, scale: Float) {
        self.length = length
        var values: [Float] = []
        values.reserveCapacity(heads * (2 * length - 1))
        for slope in LinearBias.slopes(heads) {
            for distance in 1 - length..<length {
                values.append(-slope * Float(abs(distance)) / scale)
            }
        }
        self.values = values
    }

    /// Calls `body` with the pointer at which `pointer[key - query]` is a head's bias.
    func withHead<Result>(_ head: Int, _ body: (UnsafePointer<Float>?) -> Result) -> Result {
        values.withUnsafeBufferPointer { values in
            body(values.baseAddress.map { $0 + head * (2 * length - 1) + length - 1 })
        }
    }
}

/// Attention with linear biases (ALiBi, Press et al., 2021).
package enum LinearBias {
    /// The slope of each head: powers of `2^(-8 / n)` for a power of two n; for other numbers those of
    /// the power below, then every second of the power above.
    package static func slopes(_ heads: Int) -> [Float] {
        var power = 1
        while power * 2 <= heads { power *= 2 }
        let below = (1...power).map { exp2(-8 * Double($0) / Double(power)) }
        let above = (0..<heads - power).map { exp2(-8 * Double(2 * $0 + 1) / Double(2 * power)) }
        return (below + above).map(Float.init)
    }
}
