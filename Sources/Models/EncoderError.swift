/// A batch that an encoder cannot compute.
package enum EncoderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A text without a token has no vector.
    case emptyText(index: Int)
    /// A text with more tokens than the model has positions.
    case textTooLong(index: Int, length: Int, maximum: Int)
    /// A token id, or a type id, that is not a row of its table.
    case idOutOfRange(id: Int32, count: Int)

    package var description: String {
        switch self {
        case .emptyText(let index): "text \(index) has no tokens"
        case .textTooLong(let index, let length, let maximum):
            "text \(index) has \(length) tokens, more than the model's \(maximum)"
        case .idOutOfRange(let id, let count): "id \(id) is not from 0 to \(count - 1)"
        }
    }
}
