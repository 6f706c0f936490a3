/// Why a text is not the JSON that was asked for.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, as the middle of a sentence: `a comma or ']' is missing`.
    package var problem: String
    /// Where, in bytes from the start of the text.
    package var offset: Int

    package init(_ problem: String, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    package var description: String { "\(problem) (at byte \(offset))" }
}
