import JSON
import Service
import TestSupport
import Testing

struct EmbeddingsResponseTests {
    private func body(
        _ vectors: [[Float]], format: EmbeddingsRequest.EncodingFormat = .float,
        dimensions: Int = 3, model: String = "m"
    ) -> [UInt8] {
        EmbeddingsResponse(model: model, format: format, dimensions: dimensions, tokens: 5)
            .body(vectors)
    }

    @Test func floatsAreThatOfOpenAI() {
        #expect(
            String(decoding: body([[0.5, -0.25, 1e-6], [0, 1, -0.125]]), as: UTF8.self)
                == #"{"object":"list","data":["#
                + #"{"object":"embedding","index":0,"embedding":[0.5,-0.25,1e-6]},"#
                + #"{"object":"embedding","index":1,"embedding":[0,1,-0.125]}],"#
                + #""model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#)
    }

    @Test func base64IsThatOfOpenAI() {
        #expect(
            String(decoding: body([[1, -2, 0.5]], format: .base64), as: UTF8.self)
                == #"{"object":"list","data":["#
                + #"{"object":"embedding","index":0,"embedding":"AACAPwAAAMAAAAA/"}],"#
                + #""model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#)
    }

    @Test func theModelsNameIsEscaped() throws {
        let parsed = try JSONValue(parsing: body([[1, 0, 0]], model: "a\"\\\n😀")).object
        #expect(parsed?["model"]?.string == "a\"\\\n😀")
    }

    @Test func shortenedVectorsHaveLengthOne() throws {
        var random = SplitMix64(seed: 1)
        let vectors = (0..<9).map { _ in
            (0..<384).map { _ in Float.random(in: -0.2...0.2, using: &random) }
        }
        for dimensions in [1, 7, 256, 383] {
            let read = try floats(body(vectors, dimensions: dimensions))
            #expect(read.map(\.count) == Array(repeating: dimensions, count: vectors.count))
            for (vector, short) in zip(vectors, read) {
                let length = short.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(abs(length - 1) < 1e-6)
                // The direction stays: every component was divided by the same number.
                let scale = Double(vector[0]) / Double(short[0])
                for (component, shortened) in zip(vector, short) {
                    #expect(abs(Double(shortened) * scale - Double(component)) < 1e-6)
                }
            }
        }
    }

    @Test func vectorsOfTheWholeWidthStayAsTheyAre() throws {
        let vectors: [[Float]] = [[3, 4, 0], [1e-30, .leastNonzeroMagnitude, 1e30]]
        #expect(try floats(body(vectors)) == vectors)
    }

    @Test func aVectorWithoutLengthIsCutOnly() throws {
        #expect(try floats(body([[0, 0, 1]], dimensions: 2)) == [[0, 0]])
    }

    private func floats(_ body: [UInt8]) throws -> [[Float]] {
        let data = try #require(try JSONValue(parsing: body).object?["data"]?.array)
        return data.map { element in
            (element.object?["embedding"]?.array ?? []).map { Float($0.double ?? .nan) }
        }
    }
}
