import Batching
import Models
import Platform

/// The inputs of a request, ready for the queue.
struct PreparedTexts: Sendable {
    var work: [Engine.Work] = []
    /// What makes each the same work as another, in the same order.
    var keys: [ContentKey] = []
    /// What each input became; empty where each is one vector.
    var layouts: [InputLayout] = []
    /// All tokens that are computed, special ones and prompts among them.
    var tokens = 0
    var truncated = 0
    var tokenization = TimeSpan.zero

    /// The largest number of components that a request for token vectors may come to: about 55 MB
    /// of JSON.
    static let tokenNumbersMaximum = 4 << 20

    /// The inputs of the request that are taken or left to other slices; each that is taken became one or more items of `work`.
    private(set) var inputCount = 0

    init() {}

    /// Nothing yet of a slice that starts at input `first` of its request.
    init(from first: Int) {
        inputCount = first
    }

    /// Tokenizes all inputs of `body`.
    ///
    /// - Parameters:
    ///   - truncates: whether too long texts are cut where the request does not say.
    ///   - itemsMaximum: the most texts and chunks of a request.
    /// - Throws: a 400 for what the model cannot take.
    init(
        _ body: EmbeddingsRequest, _ engine: Engine, truncates: Bool, itemsMaximum: Int
    ) throws(APIError) {
        let preparation = try TextPreparation(engine, prompt: body.prompt)
        try take(
            body.inputs.count, of: body, by: ContextPreparation(preparation, body.context),
            truncates: truncates, itemsMaximum: itemsMaximum)
    }

    /// Tokenizes the next `count` inputs of `body`, fewer when there are not as many.
    ///
    /// - Throws: a 400 for what the model cannot take.
    mutating func take(
        _ count: Int, of body: EmbeddingsRequest, by context: ContextPreparation, truncates: Bool,
        itemsMaximum: Int
    ) throws(APIError) {
        let start = MonotonicTime.now
        let first = work.count
        let end = min(inputCount + count, body.inputs.count)
        work.reserveCapacity(first + end - inputCount)
        while inputCount < end {
            let (parameter, input) = (body.parameter(of: inputCount), body.inputs[inputCount])
            let isTruncated = try context.append(input, parameter, to: &self)
            if isTruncated {
                guard body.truncate ?? truncates else {
                    throw .tooLong(
                        parameter, tokens: context.preparation.untruncatedLength(of: input),
                        limit: context.preparation.route.maximumLength)
                }
                truncated += 1
            }
            guard work.count <= itemsMaximum else {
                throw Self.tooManyItems(itemsMaximum)
            }
            inputCount += 1
        }
        keys += work[first...].map(context.engine.contentKey)
        tokens += work[first...].reduce(0) { $0 + $1.queuedTokenCount }
        if body.context.level == .token {
            try checkTokenNumbers(width: context.engine.model.backbone.width)
        }
        tokenization.nanoseconds += MonotonicTime.now.interval(since: start).nanoseconds
    }

    static func tooManyItems(_ itemsMaximum: Int) -> APIError {
        .invalidValue(
            "long_text",
            "The texts come to more than \(itemsMaximum) chunks; send several requests.")
    }

    private func checkTokenNumbers(width: Int) throws(APIError) {
        let limit = Self.tokenNumbersMaximum / max(1, width)
        guard tokens <= limit else {
            throw .invalidValue(
                "input",
                "The texts have \(tokens) tokens; a request for token vectors may have \(limit) of "
                    + "this model's. Send several requests.")
        }
    }

    /// Adds one input's work; layouts are only kept where one is not a plain vector.
    mutating func append(_ items: [Engine.Work], _ layout: InputLayout) {
        if layout != .vector || !layouts.isEmpty {
            if layouts.isEmpty {
                layouts = Array(repeating: .vector, count: work.count)
            }
            layouts.append(layout)
        }
        work += items
    }
}
