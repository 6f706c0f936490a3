import Models
import Tokenizers

/// What `quiver inspect` prints.
package struct ModelInspection {
    /// Lines for a person, a name and a value each.
    package let lines: [String]

    /// Reads the folder's files, and loads its weights only for `loadsInt8`.
    ///
    /// - Throws: ``StartError`` for a folder that cannot be served.
    package init(folder: String, loadsInt8: Bool = false) throws {
        let (description, summary) = try Self.read(folder)
        var lines = summary.lines
        for route in description.routes {
            let tokenizer = try Engine.loadTokenizer(
                route.tokenizerFolder, lowercases: route.lowercasesTexts,
                isPlain: route.usesPlainTokenizer)
            let name = route.name.isEmpty ? "" : route.name + ": "
            lines.append("tokenizer      \(name)\(tokenizer.summary)")
        }
        if loadsInt8 { lines.append("int8           " + (try Self.int8Summary(folder))) }
        self.lines = lines
    }

    private static func read(
        _ folder: String
    ) throws(StartError) -> (ModelDescription, ModelSummary) {
        do throws(ModelError) {
            return (try ModelDescription(folder: folder), try ModelSummary(folder: folder))
        } catch {
            throw StartError(error.description)
        }
    }

    /// What int8 makes of the weights: their bytes in memory, and the layers that it would cost too much.
    private static func int8Summary(_ folder: String) throws -> String {
        let configuration = try ServiceConfiguration.merging(
            flags: ["model": [folder], "dtype": ["int8"]], environment: [:], file: nil)
        var tokenizer: Tokenizer?
        let model = try Engine.loadModel(configuration.models[0], tokenizer: &tokenizer)
        guard model.dtype == .int8 else { return "no layers: vectors are the same in every dtype" }
        let layers = model.bfloat16Layers
        return "\(model.weightBytes) bytes in memory; "
            + (layers.isEmpty
                ? "every layer in eight bits" : "in bfloat16: " + layers.joined(separator: "; "))
    }
}
