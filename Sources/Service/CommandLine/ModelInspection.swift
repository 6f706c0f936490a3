import Models
import Tokenizers

/// What `quiver inspect` prints.
package struct ModelInspection {
    /// Lines for a person, a name and a value each.
    package let lines: [String]

    /// Reads the folder's files; loads no weights.
    package init(folder: String) throws {
        let description = try ModelDescription(folder: folder)
        let summary = try ModelSummary(folder: folder)
        var lines = summary.lines
        for route in description.routes {
            let tokenizer = try Engine.loadTokenizer(
                route.tokenizerFolder, lowercases: route.lowercasesTexts,
                isPlain: route.usesPlainTokenizer)
            let name = route.name.isEmpty ? "" : route.name + ": "
            lines.append("tokenizer      \(name)\(tokenizer.summary)")
        }
        self.lines = lines
    }
}
