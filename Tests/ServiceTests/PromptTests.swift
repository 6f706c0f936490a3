import FoundationEssentials
import Service
import TestSupport
import Testing

/// Prompts by name, by use and in full, against the reference's vectors.
struct PromptTests {
    private struct Golden: Decodable {
        var prompt: String?
        var promptName: String?
        var inputType: String?
        var text: String
        var vector: [Float]

        enum CodingKeys: String, CodingKey {
            case prompt, text, vector
            case promptName = "prompt_name"
            case inputType = "input_type"
        }

        var choice: PromptChoice {
            PromptChoice(
                name: promptName, text: prompt, inputType: inputType.flatMap { .init(rawValue: $0) }
            )
        }
    }

    private func configuration(_ folder: TemporaryFolder) throws -> ServiceConfiguration {
        try ServiceConfiguration.merging(
            flags: ["model": [folder.path], "dtype": ["float32"], "threads": ["1"]],
            environment: [:], file: nil)
    }

    /// With a default prompt and a cut of the width, and with prompts that no pooling mode counts.
    @Test(arguments: [
        "truncated-width", "prompt-excluded", "instructor", "instructor-converted", "static",
        "router", "router-mapped", "asym",
    ])
    func givesTheVectorsOfTheReference(name: String) throws {
        let folder = try TinyModel.folder(name)
        let golden = try Fixture.lines("models/tiny/\(name)/golden-prompts.jsonl").map {
            try JSONDecoder().decode(Golden.self, from: Data($0))
        }
        #expect(golden.count >= 20)
        var embedders: [String: TextEmbedder] = [:]
        for row in golden {
            let key = "\(row.choice)"
            let embedder =
                try embedders[key]
                ?? TextEmbedder(configuration(folder), prompt: row.choice)
            embedders[key] = embedder
            let vector = try embedder.embed([row.text])[0]
            #expect(vector.count == row.vector.count)
            let length = row.vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (got, expected) in zip(vector, row.vector) {
                #expect(abs(got - expected) <= 2e-5 * max(1, length), "\(key): \(row.text)")
            }
        }
    }

    @Test func refusesPromptsThatCannotBe() throws {
        let folder = try TinyModel.folder("prompt-excluded")
        let unknown = #expect(throws: StartError.self) {
            try TextEmbedder(configuration(folder), prompt: PromptChoice(name: "nobody"))
        }
        #expect(
            unknown?.description.contains(
                "no prompt 'nobody'. It has: 'query', 'passage', 'long', 'document'") == true)
        let long = PromptChoice(text: String(repeating: "river ", count: 40))
        let tooLong = #expect(throws: StartError.self) {
            try TextEmbedder(configuration(folder), prompt: long)
        }
        #expect(tooLong?.description.contains("the model's maximum is 32") == true)
    }
}
