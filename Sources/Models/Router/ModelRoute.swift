/// A way of texts through a model with their tokenizer and limits; most models have one.
package struct ModelRoute: Sendable {
    /// Empty for the one way of a model without a Router.
    package let name: String
    /// Its number among the model's routes.
    package let index: Int
    /// The folder that holds the tokenizer's files.
    package let tokenizerFolder: String
    /// Whether the tokenizer is used as `tokenizer.json` has it, without special tokens.
    package let usesPlainTokenizer: Bool
    /// Whether texts are lowercased before they are tokenized.
    package let lowercasesTexts: Bool
    /// The tokens that a text is cut to, special ones included.
    package let maximumLength: Int
    /// Ids are below it.
    package let vocabularySize: Int
    /// Whether a text of no tokens has a vector, of zeros.
    package let takesEmptyTexts: Bool

    init(name: String, index: Int, model: ModelDescription) {
        self.name = name
        self.index = index
        tokenizerFolder = model.tokenizerFolder
        usesPlainTokenizer = model.usesPlainTokenizer
        lowercasesTexts = model.sequenceLimit.lowercases
        maximumLength = model.sequenceLimit.tokens
        vocabularySize = model.configuration.vocabularySize
        takesEmptyTexts = model.input.takesEmptyTexts
    }
}

extension ModelDescription {
    /// The models of the routes, by name; of one without a Router itself.
    private var routed: [(name: String, model: ModelDescription)] {
        guard case .router(let router) = input else { return [("", self)] }
        return router.routes.map { ($0.name, $0.model) }
    }

    /// The ways of texts through the model, at least one.
    package var routes: [ModelRoute] {
        routed.enumerated().map { ModelRoute(name: $1.name, index: $0, model: $1.model) }
    }

    /// The number of the way of texts for `task`, such as `query`; nil where a Router has none for it.
    ///
    /// Only a Router tells tasks apart.
    package func routeIndex(for task: String?) -> Int? {
        guard case .router(let router) = input else { return 0 }
        return router.route(for: task)
    }

    /// Checks that the ids of a route's tokenizer all have a row in its table of token vectors.
    ///
    /// - Throws: `ModelError.inconsistent`.
    func checkVocabulary(of tokenizerVocabulary: Int, route: Int) throws(ModelError) {
        let model = routed[route].model
        try model.configuration.check(
            tokenizerVocabulary: tokenizerVocabulary,
            file: model.tokenizerFolder + "/tokenizer.json")
    }
}
