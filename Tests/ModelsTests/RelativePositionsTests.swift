import FoundationEssentials
import Models
import TestSupport
import Testing

struct RelativePositionsTests {
    /// The first distance of each bucket, as the reference's function gives it.
    private static let firstDistances = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91,
    ]

    @Test func bucketsBeginWhereTheReferenceBeginsThem() {
        let positions = RelativePositions(tensorName: "")
        for distance in 0...600 {
            let bucket = Self.firstDistances.lastIndex { $0 <= distance } ?? 0
            #expect(positions.bucket(distance: -distance) == bucket, "\(distance)")
            let behind = distance == 0 ? 0 : 16 + bucket
            #expect(positions.bucket(distance: distance) == behind, "\(distance)")
        }
    }

    private struct LogarithmicBuckets: Decodable {
        var buckets: Int
        var maximum: Int
        /// The bucket of every distance from 0 on.
        var found: [Int]
    }

    /// DeBERTa's buckets, and their rows in the table of vectors.
    @Test func rowsAreTheReferencesOnBothSides() throws {
        for line in try Fixture.lines("models/deberta_buckets.jsonl") {
            let expected = try JSONDecoder().decode(LogarithmicBuckets.self, from: Data(line))
            let positions = DisentangledPositions(
                bucketCount: expected.buckets, maximumDistance: expected.maximum, hasKeys: true,
                hasQueries: true, sharesProjections: true, normalizes: true)
            let span = expected.buckets
            for (distance, bucket) in expected.found.enumerated() {
                let row = positions.row(distance: distance)
                #expect(row == min(span + bucket, 2 * span - 1), "\(distance)")
                #expect(positions.row(distance: -distance) == max(span - bucket, 0))
            }
            #expect(positions.row(distance: 1 << 20) == 2 * span - 1)
            #expect(positions.row(distance: -1 << 20) == 0)
        }
    }
}
