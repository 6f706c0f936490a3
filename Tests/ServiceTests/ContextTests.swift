import JSON
import Service
import TestSupport
import Testing

/// Vectors of tokens and of texts that are longer than the model, as a client gets them.
struct ContextTests {
    private func embedder(_ folder: TemporaryFolder) throws -> TextEmbedder {
        try TextEmbedder(
            ServiceConfiguration.merging(
                flags: ["model": [folder.path], "dtype": ["float32"], "threads": ["1"]],
                environment: [:], file: nil))
    }

    private func answer(_ embedder: TextEmbedder, _ fields: String) throws -> JSONObject {
        let request = try EmbeddingsRequest(
            parsing: Array(#"{"model":"m",\#(fields)}"#.utf8), inputsMaximum: 64)
        return try #require(JSONValue(parsing: embedder.body(for: request)).object)
    }

    private func data(_ embedder: TextEmbedder, _ fields: String) throws -> [JSONObject] {
        try #require(answer(embedder, fields)["data"]?.array).compactMap(\.object)
    }

    private func vector(_ object: JSONObject?) throws -> [Float] {
        try #require(object?["embedding"]?.array).compactMap { $0.double.map { Float($0) } }
    }

    private static let long =
        "the river bank. Under the old bridge is deep water! One two three four five six seven eight "
        + "nine ten one two three four five six seven eight nine ten one two three four five six seven "
        + "eight nine ten one two. A bank account holds money."

    @Test func givesEachTokenItsVectorAndPlace() throws {
        let folder = try TinyModel.folder("bert")
        let embedder = try embedder(folder)
        let texts = ["the river bank", "a bank account"]
        let data = try data(
            embedder, #""input":["the river bank","a bank account"],"level":"token""#)
        var banks: [[Float]] = []
        for (text, object) in zip(texts, data) {
            let tokens = try #require(object["tokens"]?.array).compactMap(\.object)
            #expect(tokens.count == 5)
            #expect(tokens.first?["special"]?.bool == true && tokens.first?["start"] == .null)
            let words = tokens.dropFirst().dropLast()
            #expect(
                words.compactMap { $0["text"]?.string }
                    == text.split(separator: " ").map(String.init))
            for token in words {
                let start = try #require(token["start"]?.int)
                let stop = try #require(token["stop"]?.int)
                let piece = Array(text.utf8)[start..<stop]
                #expect(token["text"]?.string == String(decoding: piece, as: UTF8.self))
            }
            banks.append(try vector(words.first { $0["text"]?.string == "bank" }))
        }
        // A word has another vector beside other words.
        #expect(zip(banks[0], banks[1]).contains { abs($0 - $1) > 0.1 })
    }

    /// ELMo reads bytes and has vectors of words; the same word has another beside other words.
    @Test func givesEachWordOfELMoItsVectorAndPlace() throws {
        let folder = try TinyModel.folder("elmo")
        let embedder = try embedder(folder)
        let data = try data(
            embedder, #""input":["the d\u00e9p\u00f4t  bank","bank","  "],"level":"token""#)
        let tokens = try data.map { try #require($0["tokens"]?.array).compactMap(\.object) }
        #expect(tokens[0].map { $0["text"]?.string } == ["the", "d\u{E9}p\u{F4}t", "bank"])
        #expect(tokens[0].map { $0["start"]?.int } == [0, 4, 13])
        #expect(tokens[0].map { $0["stop"]?.int } == [3, 11, 17])
        #expect(tokens[0].allSatisfy { $0["special"]?.bool == false })
        #expect(try vector(tokens[0][2]) != vector(tokens[1][0]))
        #expect(tokens[2].isEmpty)
    }

    @Test func tokensOfRoutesHaveNoVectors() throws {
        let folder = try TinyModel.folder("router")
        let embedder = try embedder(folder)
        for field in [#""level":"token""#, #""long_text":"late""#] {
            #expect(throws: APIError.self) { try answer(embedder, #""input":"a bank",\#(field)"#) }
        }
        let both = #expect(throws: APIError.self) {
            try answer(embedder, #""input":"a","prompt":"b","prompt_name":"query""#)
        }
        #expect(both?.message.contains("not both") == true)
    }

    @Test func aPromptIsReadButNoTokenOfTheText() throws {
        let folder = try TinyModel.folder("bert")
        let data = try data(
            embedder(folder), #""input":"bank","level":"token","prompt":"the river ""#)
        let tokens = try #require(data[0]["tokens"]?.array).compactMap(\.object)
        #expect(tokens.map { $0["text"]?.string } == ["[CLS]", "the", "river", "bank", "[SEP]"])
        #expect(tokens.map { $0["start"]?.int } == [nil, nil, nil, 0, nil])
        #expect(tokens.map { $0["stop"]?.int } == [nil, nil, nil, 4, nil])
    }

    /// A chunk's vector is what its bytes alone would get, to the bit.
    @Test(arguments: ["bert", "pooling-cls", "truncated-width"])
    func chunksAreTextsOfTheirOwn(name: String) throws {
        let folder = try TinyModel.folder(name)
        let embedder = try embedder(folder)
        for fields in ["", #","chunk_tokens":9"#, #","prompt":"money ""#] {
            let body = try answer(
                embedder, #""input":"\#(Self.long)","long_text":"chunks"\#(fields)"#)
            let chunks = try #require(body["data"]?.array?.first?.object?["chunks"]?.array)
                .compactMap(\.object)
            #expect(chunks.count >= 3)
            var end = 0
            var tokens = 0
            for chunk in chunks {
                let start = try #require(chunk["start"]?.int)
                let stop = try #require(chunk["stop"]?.int)
                #expect(start >= end && stop > start)
                end = stop
                let piece = String(decoding: Array(Self.long.utf8)[start..<stop], as: UTF8.self)
                let prompt = fields.contains("prompt") ? #","prompt":"money ""# : ""
                let alone = try answer(embedder, #""input":"\#(piece)"\#(prompt)"#)
                #expect(try vector(chunk) == vector(alone["data"]?.array?.first?.object))
                tokens += alone["usage"]?.object?["prompt_tokens"]?.int ?? 0
            }
            #expect(end == Self.long.utf8.count)
            #expect(body["usage"]?.object?["prompt_tokens"]?.int == tokens)
        }
    }

    @Test func theMeanIsThatOfTheChunks() throws {
        let folder = try TinyModel.folder("bert")
        let embedder = try embedder(folder)
        let input = #""input":["\#(Self.long)","the river bank"],"chunk_tokens":10"#
        let mean = try data(embedder, input + #","long_text":"mean""#).map { try vector($0) }
        let chunks = try #require(
            data(embedder, input + #","long_text":"chunks""#)[0]["chunks"]?.array
        ).compactMap(\.object)
        var sum = [Double](repeating: 0, count: 32)
        for chunk in chunks {
            let start = try #require(chunk["start"]?.int)
            let piece = Array(Self.long.utf8)[start..<(try #require(chunk["stop"]?.int))]
            let text = String(decoding: piece, as: UTF8.self)
            let usage = try answer(embedder, #""input":"\#(text)""#)["usage"]?.object
            // Less the two special tokens.
            let weight = try #require(usage?["prompt_tokens"]?.int) - 2
            for (index, value) in try vector(chunk).enumerated() {
                sum[index] += Double(weight) * Double(value)
            }
        }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for (got, expected) in zip(mean[0], sum) {
            #expect(abs(Double(got) - expected / length) < 1e-6)
        }
        // A text that fits is embedded as ever.
        #expect(try mean[1] == vector(data(embedder, #""input":"the river bank""#)[0]))
        var context = ContextChoice()
        context.longText = .mean
        let plain = try TextEmbedder(
            ServiceConfiguration.merging(
                flags: ["model": [folder.path], "dtype": ["float32"]], environment: [:], file: nil),
            context: context)
        #expect(try plain.embed(["the river bank"]) == [mean[1]])
    }

    @Test func lateChunksHaveReadTheWholeText() throws {
        let folder = try TinyModel.folder("bert")
        let embedder = try embedder(folder)
        let text = "the river bank. A bank account holds money."
        let fields = #""input":"\#(text)","chunk_tokens":6"#
        let body = try answer(embedder, fields + #","long_text":"late""#)
        let late = try #require(body["data"]?.array?.first?.object?["chunks"]?.array)
            .compactMap(\.object)
        #expect(late.map { $0["start"]?.int } == [0, 16])
        #expect(late.map { $0["stop"]?.int } == [15, 43])
        #expect(body["usage"]?.object?["prompt_tokens"]?.int == 12)
        let chunks = try #require(
            data(embedder, fields + #","long_text":"chunks""#)[0]["chunks"]?.array
        ).compactMap(\.object)
        #expect(try vector(late[1]) != vector(chunks[1]))
    }

    @Test func refusesWhatMakesNoSense() throws {
        let folder = try TinyModel.folder("bert")
        let mean = try embedder(folder)
        let clsFolder = try TinyModel.folder("pooling-cls")
        let cls = try embedder(clsFolder)
        let input = #""input":"the river bank","#
        for (embedder, fields, parameter) in [
            (mean, input + #""long_text":"late","level":"token""#, "long_text"),
            (mean, input + #""chunk_tokens":3"#, "chunk_tokens"),
            (mean, input + #""chunk_tokens":0,"long_text":"mean""#, "chunk_tokens"),
            (mean, input + #""chunk_tokens":31,"long_text":"mean""#, "chunk_tokens"),
            (mean, input + #""dimensions":3,"level":"token""#, "dimensions"),
            (mean, #""input":[5,6],"long_text":"chunks""#, "input"),
            (mean, #""input":"\#(Self.long)","long_text":"late""#, "input"),
            (cls, input + #""long_text":"late""#, "long_text"),
        ] {
            let error = #expect(throws: APIError.self) { _ = try answer(embedder, fields) }
            #expect(error?.status.code == 400)
            #expect(error?.parameter == parameter, "\(fields)")
        }
    }
}
