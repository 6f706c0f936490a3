import Glibc

/// Scores by content and distance together, as in DeBERTa (He et al., 2020, §3.1).
///
/// Every distance has a vector; a layer's projections make a key and a query of it. The score of a query
/// and a key gets the query times the distance's key, and the key times the distance's query.
package struct DisentangledPositions: Equatable, Sendable {
    /// The buckets of either direction that distances fall into; nil for one vector a distance.
    package var bucketCount: Int?
    /// The distance from which on all fall into the last bucket, and the number of vectors of either
    /// direction when there are no buckets.
    package var maximumDistance: Int
    /// Whether the query meets the distance's key (c2p).
    package var hasKeys: Bool
    /// Whether the key meets the distance's query (p2c).
    package var hasQueries: Bool
    /// Whether the projections are those of the content.
    package var sharesProjections: Bool
    /// Whether the distances' vectors go through a norm first.
    package var normalizes: Bool

    package init(
        bucketCount: Int?, maximumDistance: Int, hasKeys: Bool, hasQueries: Bool,
        sharesProjections: Bool, normalizes: Bool
    ) {
        self.bucketCount = bucketCount
        self.maximumDistance = maximumDistance
        self.hasKeys = hasKeys
        self.hasQueries = hasQueries
        self.sharesProjections = sharesProjections
        self.normalizes = normalizes
    }

    /// The table of vectors, its norm and the projections that are not shared, without `.weight`.
    static let tableName = "encoder.rel_embeddings"
    static let normName = "encoder.LayerNorm"
    static let keyName = "attention.self.pos_key_proj"
    static let queryName = "attention.self.pos_query_proj"

    /// The vectors of either direction; the table has twice as many.
    package var span: Int { bucketCount ?? maximumDistance }

    /// The row of the table for a query that stands `distance` behind the key (negative: before it).
    ///
    /// In float32, as the reference computes it: at the buckets' edges another precision could
    /// decide otherwise.
    package func row(distance: Int) -> Int {
        min(max(bucket(distance) + span, 0), 2 * span - 1)
    }

    private func bucket(_ distance: Int) -> Int {
        let length = abs(distance)
        guard let bucketCount, length > bucketCount / 2 else { return distance }
        let middle = bucketCount / 2
        let range = logf(Float(Double(maximumDistance - 1) / Double(middle)))
        let position = logf(Float(length) / Float(middle)) / range * Float(middle - 1)
        // Over a long distance the quotient may be as large as the texts; the table ends earlier.
        let bucket = Int(min(position.rounded(.up) + Float(middle), Float(2 * span)))
        return distance < 0 ? -bucket : bucket
    }
}
