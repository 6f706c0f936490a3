/// The special tokens that `tokenizer_config.json` and `special_tokens_map.json` name by their use.
///
/// transformers 5 looks for all of them in texts, whether or not `tokenizer.json` lists them.
struct NamedTokens {
    private var tokens: [String: AddedToken] = [:]
    /// In the order in which they are read; ids are not known yet.
    private(set) var all: [AddedToken] = []

    /// Takes what a file names; what another file named before stays.
    mutating func read(_ root: Field) throws(TokenizerFileError) {
        for (key, field) in try root.members() {
            if key.hasSuffix("_token") {
                guard tokens[key] == nil, let token = try Self.token(field) else { continue }
                tokens[key] = token
                all.append(token)
            } else if key == "additional_special_tokens", field.value.array != nil {
                for element in try field.elements() {
                    if let token = try Self.token(element) { all.append(token) }
                }
            }
        }
    }

    /// The content of the token with a use, such as `cls_token`.
    func content(_ use: String, default standard: String) -> String {
        tokens[use].map { String(decoding: $0.content, as: UTF8.self) } ?? standard
    }

    /// A token from its text, or from its text with flags; nil for a switch such as `add_bos_token`.
    private static func token(_ field: Field) throws(TokenizerFileError) -> AddedToken? {
        var token: AddedToken
        switch field.value {
        case .string(let text): token = AddedToken(id: -1, content: Array(text.utf8))
        case .object: token = try AddedToken(from: field, id: -1)
        default: return nil
        }
        token.isNormalized =
            try field.value.object == nil ? false : field.bool("normalized", default: false)
        return token.content.isEmpty ? nil : token
    }
}
