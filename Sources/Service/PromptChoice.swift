/// What a caller wants put before the texts, by name, by use, or in full.
package struct PromptChoice: Equatable, Sendable {
    /// What the texts are for.
    package enum InputType: String, CaseIterable, Sendable {
        case query, document
    }

    /// The name of one of the folder's prompts.
    package var name: String?
    /// The prompt itself.
    package var text: String?
    package var inputType: InputType?

    package init(name: String? = nil, text: String? = nil, inputType: InputType? = nil) {
        self.name = name
        self.text = text
        self.inputType = inputType
    }

    /// Whether the caller asked for a prompt; without it the folder's default holds.
    var isExplicit: Bool { name != nil || text != nil || inputType != nil }
}
