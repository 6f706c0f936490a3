import Models
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
}
