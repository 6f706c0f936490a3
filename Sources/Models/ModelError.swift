/// Why a model folder cannot be used, in words that name the file and the field.
///
/// `description` is one line, fit for a terminal: what is wrong, where, and what would be right.
package enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file of the folder is missing, cannot be opened, or is not a regular file.
    case unreadable(file: String, reason: String)

    /// A file's content is not what its format says: broken JSON, a wrong type, an impossible size.
    ///
    /// `field` is the path of keys (`__metadata__.format`), or nil when the whole is meant.
    case malformed(file: String, field: String?, reason: String)

    /// A legal value that this program does not implement; `supported` lists those that it does.
    case unsupported(file: String, field: String, value: String, supported: [String])

    /// Two files of the folder, or a file and a tensor, contradict each other.
    case inconsistent(file: String, field: String, reason: String)

    /// A tensor that the configuration calls for is not in the weights.
    case missingTensor(file: String, name: String)

    /// One line for people, whatever the files contained: control characters escaped, length bounded.
    package var description: String { Self.printable(sentence) }

    /// Text from a file on one line: control characters escaped, length bounded.
    static func printable(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(lengthMaximum) {
            let isPrintable = scalar.value >= 0x20 && scalar.properties.generalCategory != .control
            line += isPrintable ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
        return line
    }

    /// The longest description, in Unicode scalars.
    private static let lengthMaximum = 1000

    private var sentence: String {
        switch self {
        case .unreadable(let file, let reason):
            return "\(file): \(reason)"
        case .malformed(let file, let field, let reason),
            .inconsistent(let file, let field as String?, let reason):
            guard let field else { return "\(file): \(reason)" }
            return "\(file): \(field): \(reason)"
        case .unsupported(let file, let field, let value, let supported):
            let list = supported.joined(separator: ", ")
            return "\(file): \(field): \(value) is not supported (supported: \(list))"
        case .missingTensor(let file, let name):
            return "\(file): tensor \(name) is missing"
        }
    }
}
