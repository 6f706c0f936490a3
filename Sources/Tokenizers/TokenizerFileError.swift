/// Why a tokenizer could not be made from its files.
package struct TokenizerFileError: Error, Equatable, CustomStringConvertible {
    /// Name of the file: `tokenizer.json` or `tokenizer_config.json`.
    package let file: String
    /// Path of the offending field, such as `model.type`; empty when the whole file is meant.
    package let field: String
    /// What is wrong, and what is supported instead.
    package let reason: String

    package init(file: String = "tokenizer.json", field: String, reason: String) {
        self.file = file
        self.field = field
        self.reason = reason
    }

    package var description: String {
        field.isEmpty ? "\(file): \(reason)" : "\(file): \(field): \(reason)"
    }
}
