import JSON
import Service
import TestSupport
import Testing

/// The fast writers against the plain ones.
struct JSONVectorTests {
    private static let vectors: [[Float]] = (0..<70).map { count in
        var random = SplitMix64(seed: UInt64(count))
        return (0..<count).map { _ in Float.random(in: -0.2...0.2, using: &random) }
    }

    @Test(arguments: [0, 3]) func vectorsReadBackAsFromThePlainWriter(dropped: Int) throws {
        for values in Self.vectors {
            var plain = JSONWriter()
            plain.array(values.dropFirst(dropped))
            var fast = JSONWriter()
            fast.vector(values.dropFirst(dropped))
            #expect(try floats(fast) == floats(plain))
            #expect(fast.bytes.count <= plain.bytes.count)
        }
    }

    @Test(arguments: [0, 3]) func base64IsThatOfThePlainWriter(dropped: Int) {
        for values in Self.vectors {
            var plain = JSONWriter()
            plain.base64(values.dropFirst(dropped))
            var fast = JSONWriter(capacity: 0)
            fast.base64Vector(values.dropFirst(dropped))
            #expect(fast.bytes == plain.bytes)
        }
    }

    @Test func textBeforeAndAfterStays() {
        var json = JSONWriter(capacity: 0)
        json.raw(#"{"a":"#)
        json.vector([0.5, -1, 1e-9])
        json.raw(#","b":"#)
        json.base64Vector([1])
        json.raw("}")
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text == #"{"a":[0.5,-1,1e-9],"b":"AACAPw=="}"#)
    }

    private func floats(_ writer: JSONWriter) throws -> [Float]? {
        try JSONValue(parsing: writer.bytes).array?.map { Float($0.double ?? .nan) }
    }
}
