import Batching
import HTTPWire
import Platform
import Service
import Testing

struct RequestUrgencyTests {
    private func urgency(_ fields: [(String, String)]) throws(APIError) -> RequestUrgency {
        var all = HTTPFields()
        for (name, value) in fields { all.append(name, value) }
        return try RequestUrgency(all)
    }

    @Test func saysNothingByDefault() throws {
        let urgency = try urgency([("Host", "a")])
        #expect(urgency.timeout == nil && urgency.priority == nil)
        let limit = RequestUrgency.bulkTokensMinimum
        #expect(urgency.priority(tokens: limit - 1) == .interactive)
        #expect(urgency.priority(tokens: limit) == .bulk)
    }

    @Test func takesWhatTheHeaderSays() throws {
        let first = try urgency([("X-Request-Timeout-Ms", "1500"), ("x-request-priority", "bulk")])
        #expect(first.timeout == .milliseconds(1500))
        #expect(first.priority(tokens: 1) == .bulk)
        let second = try urgency([("x-request-priority", "interactive")])
        #expect(second.priority(tokens: 1 << 30) == .interactive)
    }

    @Test(arguments: [
        ("x-request-timeout-ms", ""), ("x-request-timeout-ms", "0"),
        ("x-request-timeout-ms", "-1"), ("x-request-timeout-ms", "+1"),
        ("x-request-timeout-ms", "1.5"), ("x-request-timeout-ms", "86400001"),
        ("x-request-timeout-ms", "99999999999999999999"), ("x-request-priority", ""),
        ("x-request-priority", "Bulk"), ("x-request-priority", "high"),
    ])
    func refusesWhatMeansNothing(name: String, value: String) {
        let error = #expect(throws: APIError.self) { try urgency([(name, value)]) }
        #expect(error?.status == .badRequest && error?.parameter == name)
    }

    /// Kept vectors and computed ones come together in the order of the texts.
    @Test func recallsInOrder() {
        let cache = VectorCache(bytesMaximum: 1 << 20)
        let keys = (0..<5).map { ContentKey(namespace: 1, tokens: [Int32($0)], seed: 9) }
        cache.insert([1], for: keys[1])
        cache.insert([4], for: keys[4])
        let recall = VectorRecall(keys, in: cache)
        #expect(recall.missing == [0, 2, 3])
        let vectors = recall.completed(with: [[0], [2], [.nan]], keepingIn: cache)
        #expect(vectors.map(\.count) == [1, 1, 1, 1, 1])
        #expect([0, 1, 2, 4].allSatisfy { vectors[$0] == [Float($0)] })
        #expect(cache.vector(for: keys[2]) == [2])
        #expect(cache.vector(for: keys[3]) == nil)
        #expect(VectorRecall(Array(keys[0...2]), in: cache).missing.isEmpty)

        let off = VectorCache(bytesMaximum: 0)
        let nothing = VectorRecall(keys, in: off)
        #expect(nothing.missing == Array(0..<5))
        #expect(nothing.completed(with: [[7], [8]], keepingIn: off) == [[7], [8]])
    }
}
