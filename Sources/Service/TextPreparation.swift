import Models
import Tokenizers

/// Turns the inputs of one request into work for the queue.
struct TextPreparation {
    let engine: Engine
    /// The texts' way through the model.
    let route: ModelRoute
    /// That of the route.
    let tokenizer: Tokenizer
    /// What goes before each text; empty for nothing.
    let prompt: String
    /// Whether the caller chose the prompt, which token ids then cannot have.
    let isPromptChosen: Bool
    /// The tokens at the start of a text that its pooling leaves out.
    private let promptTokenCount: Int

    /// - Parameter defaultName: the prompt of a request that chooses none, instead of the folder's.
    /// - Throws: a 400 for a prompt that the model does not have, or that leaves no room for a text.
    init(
        _ engine: Engine, prompt choice: PromptChoice, defaultName: String? = nil
    ) throws(APIError) {
        self.engine = engine
        route = try engine.route(for: choice.inputType)
        tokenizer = engine.tokenizers[route.index]
        let settings = engine.model.description.settings
        prompt = try choice.text(of: settings, defaultName: defaultName)
        isPromptChosen = choice.isExplicit && !prompt.isEmpty
        promptTokenCount =
            prompt.isEmpty
            ? 0
            : Self.tokenCount(
                of: prompt, by: tokenizer, maxLength: route.maximumLength)
        let room = route.maximumLength - tokenizer.addedTokenCount
        guard prompt.isEmpty || promptTokenCount < max(1, room) else {
            throw .invalidValue(
                choice.text == nil ? "prompt_name" : "prompt",
                "The prompt alone has \(promptTokenCount) tokens; the model's maximum is "
                    + "\(route.maximumLength), prompt and text together.")
        }
    }

    /// The work of one input; `parameter` names it in errors.
    ///
    /// - Throws: a 400 for an input that the model cannot take.
    func work(
        of input: EmbeddingsRequest.Input, _ parameter: String
    ) throws(APIError) -> (work: Engine.Work, isTruncated: Bool) {
        switch input {
        case .text(let text):
            let (ids, isTruncated) = tokenizer.tokenIDs(
                prompted(text), maxLength: route.maximumLength)
            guard !ids.isEmpty || route.takesEmptyTexts else { throw noToken(parameter) }
            return (work(ids), isTruncated)
        case .tokenIDs(let ids):
            try check(ids, parameter)
            let (wrapped, isTruncated) = self.wrapped(ids)
            return (Engine.Work(tokenIDs: wrapped, route: route.index), isTruncated)
        }
    }

    /// The text as the model reads it.
    func prompted(_ text: String) -> String { prompt.isEmpty ? text : prompt + text }

    /// How many tokens an input would have uncut, for a message.
    func untruncatedLength(of input: EmbeddingsRequest.Input) -> Int {
        switch input {
        case .text(let text):
            tokenizer.tokenIDs(prompted(text), maxLength: nil).ids.count
        case .tokenIDs(let ids): max(ids.count, tokenizer.wrap(ids: ids).count)
        }
    }

    func noToken(_ parameter: String) -> APIError {
        .invalidValue(parameter, "'\(parameter)' has no token that the model knows.")
    }

    /// The work of a prompted text with these ids.
    func work(_ ids: [Int32]) -> Engine.Work {
        Engine.Work(
            tokenIDs: ids, promptTokenCount: min(promptTokenCount, ids.count), route: route.index)
    }

    private func check(_ ids: [Int32], _ parameter: String) throws(APIError) {
        guard !isPromptChosen else {
            throw .invalidValue(
                parameter,
                "'\(parameter)' is token ids, and a prompt can only go before a text: send the text."
            )
        }
        let size = route.vocabularySize
        guard let place = ids.firstIndex(where: { $0 >= size }) else { return }
        throw .invalidValue(
            "\(parameter)[\(place)]",
            "'\(parameter)[\(place)]' is \(ids[place]), but the model's token ids go from 0 "
                + "to \(size - 1). Ids of another model's tokenizer have no meaning here: "
                + "send the text.")
    }
}

extension TextPreparation {
    /// Ids that came instead of a text: between the special tokens, unless they are there already.
    private func wrapped(_ ids: [Int32]) -> (ids: [Int32], isTruncated: Bool) {
        let limit = route.maximumLength
        let specials = tokenizer.wrap(ids: [])
        let hasSpecials =
            !specials.isEmpty && ids.count >= specials.count
            && ids.first == specials.first && ids.last == specials.last
        let bare = hasSpecials ? ids : tokenizer.wrap(ids: ids)
        guard bare.count > limit else { return (bare, false) }
        if hasSpecials {
            return (Array(ids.prefix(limit - 1)) + ids.suffix(1), true)
        }
        return (tokenizer.wrap(ids: Array(ids.prefix(limit - specials.count))), true)
    }

    /// The tokens of a prompt by itself, less the special one at its end: what pooling leaves out.
    ///
    /// Source: sentence-transformers 6.2, `Transformer._get_prompt_length`. Where the prompt's last
    /// token would join with the text's first, the reference is off by one, and so is this.
    private static func tokenCount(
        of prompt: String, by tokenizer: Tokenizer, maxLength: Int
    ) -> Int {
        let encoding = tokenizer.encode(prompt, maxLength: maxLength)
        return encoding.ids.count - (encoding.isSpecial.last == true ? 1 : 0)
    }
}

extension Engine {
    /// The way through the model of texts for a use.
    ///
    /// - Throws: a 400 that lists the routes of the folder's Router when it has none for it.
    func route(for use: PromptChoice.InputType?) throws(APIError) -> ModelRoute {
        if let route = model.route(for: use?.rawValue) { return route }
        let names = model.routes.map { "'\($0.name)'" }.joined(separator: ", ")
        let stated = use.map { "not '\($0.rawValue)'" } ?? "and has to be chosen"
        throw .invalidValue(
            "input_type", "The model's route is one of \(names), \(stated): see 'input_type'.")
    }
}
