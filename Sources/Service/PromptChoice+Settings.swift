import Models

extension PromptChoice {
    /// The prompt by the reference's rule; empty for none.
    ///
    /// A text in full or a name wins over the use: `query` takes the prompt of that name,
    /// `document` the first that is there of `document`, `passage` and `corpus`. Both names are
    /// always there, perhaps empty, so a use never falls back to the default. Source:
    /// sentence-transformers 6.2, `encode`, `encode_query` and `encode_document`.
    ///
    /// - Parameter defaultName: the prompt where nothing is chosen, instead of the folder's default.
    /// - Throws: a 400 for a text and a name at once, and one that lists the folder's prompts when it has
    ///   none of that name.
    func text(
        of settings: PipelineSettings, defaultName: String? = nil
    ) throws(APIError) -> String {
        guard text == nil || name == nil else {
            throw .invalidValue(
                "prompt", "Send 'prompt' or 'prompt_name', not both: one of them says it all.")
        }
        if let text { return text }
        if let name {
            guard let text = settings.prompt(named: name) else {
                let names = settings.prompts.map { "'\($0.name)'" }.joined(separator: ", ")
                throw .invalidValue(
                    "prompt_name",
                    "The model has no prompt '\(name.prefix(64))'. It has: \(names). 'prompt' takes "
                        + "a text in full.")
            }
            return text
        }
        let names =
            switch inputType {
            case .query: ["query"]
            case .document: ["document", "passage", "corpus"]
            case nil: [defaultName ?? settings.defaultPromptName].compactMap { $0 }
            }
        return names.lazy.compactMap { settings.prompt(named: $0) }.first ?? ""
    }
}
