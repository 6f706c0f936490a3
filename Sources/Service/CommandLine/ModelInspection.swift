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
        let tokenizer = try Engine.loadTokenizer(
            description.tokenizerFolder, lowercases: description.sequenceLimit.lowercases,
            isPlain: description.usesPlainTokenizer)
        lines = summary.lines + ["tokenizer      \(tokenizer.summary)"]
    }
}
