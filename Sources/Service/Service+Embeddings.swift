import Batching
import HTTPServer
import JSON
import Models
import Platform
import Tokenizers

/// One request for vectors, checked, before its texts are tokenized.
struct EmbeddingOrder: Sendable {
    var body: EmbeddingsRequest
    var model: ServedModel
    var dimensions: Int
    var urgency: RequestUrgency
    var preparation: ContextPreparation
    var exchange: Exchange
    var context: RequestContext

    /// How the vectors are written.
    func form(tokens: Int, layouts: [InputLayout]) -> EmbeddingsResponse {
        EmbeddingsResponse(
            model: body.model, format: body.encodingFormat, dimensions: dimensions, tokens: tokens,
            layouts: layouts, normalizes: preparation.engine.model.givesUnitVectors)
    }
}

extension Service {
    /// Answers `POST /v1/embeddings`: parses, tokenizes, queues; the compute thread responds.
    func embed(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext
    ) throws(APIError) {
        let models = try models()
        // Not where vectors are kept: those that are need no thread.
        if request.body.count <= Self.promptBodyBytesMaximum, !models.pool.cache.isEnabled {
            models.pool.scheduler.expectRequest()
        }
        let body = try EmbeddingsRequest(
            parsing: request.body, inputsMaximum: configuration.inputsMaximum)
        let model = try models.model(named: body.model)
        let urgency = try RequestUrgency(request.head.fields)
        let dimensions = try body.checkedDimensions(of: model.engine.model.dimensions)
        let preparation = try TextPreparation(
            model.engine, prompt: body.prompt, defaultName: model.setting.promptName)
        let order = EmbeddingOrder(
            body: body, model: model, dimensions: dimensions, urgency: urgency,
            preparation: try ContextPreparation(preparation, body.context), exchange: exchange,
            context: context)
        if body.inputs.count > Self.sliceTextsMaximum, body.context.level == .text {
            try count(order, SlicePlan())
        } else {
            try tokenize(order, PreparedTexts())
        }
    }

    /// A body up to this size is parsed, and its texts tokenized, in about the time in which a compute thread
    /// wakes up.
    private static let promptBodyBytesMaximum = 512

    /// Tokenizes one slice of the request's texts to know their lengths, and forgets the ids of all but
    /// the first; the slices of other requests may come between.
    ///
    /// A request is admitted or refused as a whole and with its true length, and no text is computed
    /// when one of them is wrong; then the slices flow through the queue, tokenized again one by
    /// one. Tokenizing costs less than a hundredth of computing, and the ids of a large request are
    /// never in memory all at once.
    private func count(_ order: EmbeddingOrder, _ earlier: SlicePlan) throws(APIError) {
        var plan = earlier
        let texts = try take(
            Self.sliceTextsMaximum, of: order, PreparedTexts(from: plan.inputCount))
        try plan.add(texts, itemsMaximum: configuration.inputsMaximum)
        guard plan.inputCount < order.body.inputs.count else {
            order.model.metrics.tokenizationDuration.observe(plan.tokenization.seconds)
            order.model.metrics.truncations.add(plan.truncated)
            var charged = order
            charged.context = try charge(plan.tokens, to: order.context)
            EmbeddingFlow(charged, plan, self).start()
            return
        }
        later(order) { [plan] service throws(APIError) in try service.count(order, plan) }
    }

    /// Tokenizes the next texts, and counts them for the metrics.
    private func take(
        _ count: Int, of order: EmbeddingOrder, _ earlier: PreparedTexts
    ) throws(APIError) -> PreparedTexts {
        var texts = earlier
        let first = texts.work.count
        try texts.take(
            count, of: order.body, by: order.preparation, truncates: order.model.setting.truncate,
            itemsMaximum: configuration.inputsMaximum)
        for work in texts.work[first...] {
            order.model.metrics.inputTokens.observe(Double(work.tokenIDs.count))
        }
        return texts
    }

    /// Goes on with a request when those have had their turn that wait for one.
    private func later(
        _ order: EmbeddingOrder,
        _ work: @escaping @Sendable (Service) throws(APIError) -> Void
    ) {
        preparation.async { [self] in
            guard !order.exchange.isAbandoned else {
                order.exchange.respond(response(to: .draining, order.context))
                return
            }
            do throws(APIError) {
                try work(self)
            } catch {
                order.exchange.respond(response(to: error, order.context))
            }
        }
    }

    /// Tokenizes up to 64 of the request's texts, then hands all to the queue at once, or lets others
    /// have their turn.
    private func tokenize(
        _ order: EmbeddingOrder, _ earlier: PreparedTexts
    ) throws(APIError) {
        let texts = try take(Self.sliceTextsMaximum, of: order, earlier)
        guard texts.inputCount < order.body.inputs.count else {
            try submit(order, texts)
            return
        }
        later(order) { service throws(APIError) in try service.tokenize(order, texts) }
    }

    /// About 2 ms of tokenization when the texts are documents.
    static let sliceTextsMaximum = 64

    /// Takes what was kept, and submits the rest.
    private func submit(_ order: EmbeddingOrder, _ texts: PreparedTexts) throws(APIError) {
        let (model, exchange) = (order.model, order.exchange)
        let engine = model.engine
        model.metrics.tokenizationDuration.observe(texts.tokenization.seconds)
        model.metrics.truncations.add(texts.truncated)
        let form = order.form(tokens: texts.tokens, layouts: texts.layouts)
        let context = try charge(texts.tokens, to: order.context)
        let recall = VectorRecall(texts.keys, in: engine.cache)
        guard !recall.missing.isEmpty else {
            countAdmitted(texts.work.count, tokens: texts.tokens, model, of: context)
            exchange.respond(answer(.success(recall.vectors), nil, form, texts, context))
            return
        }
        var batch = BatchRequest(
            items: recall.missing.map { Engine.Job(engine: engine, work: texts.work[$0]) },
            tokenCounts: recall.missing.map { texts.work[$0].queuedTokenCount },
            contentKeys: recall.missing.map { texts.keys[$0] })
        batch.model = engine.id
        batch.client = context.client.share
        batch.priority = order.urgency.priority(tokens: texts.tokens, ofKey: context.priority)
        batch.deadline = order.urgency.timeout.map { exchange.receivedAt.advanced(by: $0) }
        let admission = engine.scheduler.submit(batch) { [self] result, timings in
            let vectors = result.map { recall.completed(with: $0, keepingIn: engine.cache) }
            exchange.respond(answer(vectors, timings, form, texts, context))
        }
        switch admission {
        case .failure(let refusal):
            giveBack(texts.tokens, to: context)
            throw apiError(for: refusal)
        case .success(let ticket):
            countAdmitted(texts.work.count, tokens: texts.tokens, model, of: context)
            exchange.onAbandon { engine.scheduler.cancel(ticket) }
        }
    }

    func apiError(for refusal: AdmissionRefusal) -> APIError {
        switch refusal.reason {
        case .draining:
            return .draining
        case .requestTooLarge:
            return .invalidValue(
                "input", "The request has more tokens than the queue can hold; send fewer texts.")
        case .queueTokensFull, .queueRequestsFull, .clientShareFull, .waitTooLong:
            return .queueFull(retryAfter: max(1, Int(refusal.retryAfter.seconds.rounded(.up))))
        case .deadlineTooShort:
            return .deadlineExceeded(
                retryAfter: max(1, Int(refusal.retryAfter.seconds.rounded(.up))))
        }
    }

    /// The response to a request that was admitted; runs on the compute thread.
    ///
    /// - Parameter timings: nil when every vector was there already.
    private func answer(
        _ result: Result<[[Float]], BatchFailure>, _ timings: BatchTimings?,
        _ form: EmbeddingsResponse, _ texts: PreparedTexts, _ context: RequestContext
    ) -> Response {
        switch result {
        case .success(let vectors):
            guard areFinite(vectors, of: context) else {
                return response(to: .inferenceFailed, context)
            }
            var response = json(form.body(vectors), context)
            Self.complete(
                &response, truncated: texts.truncated, tokenization: texts.tokenization, timings)
            return response
        case .failure(let failure): return response(to: failure, context)
        }
    }

    /// Whether all numbers are numbers; logs it when they are not.
    func areFinite(_ vectors: [[Float]], of context: RequestContext) -> Bool {
        if vectors.allSatisfy({ $0.allSatisfy(\.isFinite) }) { return true }
        logger.error(
            "the model gave numbers that are not finite",
            metadata: ["request_id": .string(context.id)])
        return false
    }

    /// The response to a request that was admitted and has no vectors.
    func response(to failure: BatchFailure, _ context: RequestContext) -> Response {
        switch failure {
        case .workerFailed(let error):
            logger.error(
                "inference failed",
                metadata: ["request_id": .string(context.id), "error": .string("\(error)")])
            return response(to: .inferenceFailed, context)
        case .deadlineExpired:
            // Spread, so that those who expired together do not return together.
            return response(to: .deadlineExceeded(retryAfter: .random(in: 1...4)), context)
        case .cancelled, .abandoned:
            return response(to: .draining, context)
        }
    }

    /// Adds what a successful response says in its header.
    static func complete(
        _ response: inout Response, truncated: Int, tokenization: TimeSpan, _ timings: BatchTimings?
    ) {
        if truncated > 0 {
            response.fields.append(HeaderName.truncatedInputs, String(truncated))
        }
        response.fields.append(HeaderName.serverTiming, timing(tokenization, timings))
    }

    private static func timing(_ tokenization: TimeSpan, _ timings: BatchTimings?) -> String {
        let parts = [
            ("tokenize", tokenization), ("queue", timings?.wait ?? .zero),
            ("infer", timings?.compute ?? .zero),
        ]
        return parts.map { name, span in
            "\(name);dur=\(Double(span.nanoseconds / 1000) / 1000)"
        }.joined(separator: ", ")
    }
}
