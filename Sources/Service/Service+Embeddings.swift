import Batching
import HTTPServer
import JSON
import Models
import Platform
import Tokenizers

/// One request for vectors, checked, before its texts are tokenized.
private struct EmbeddingOrder: Sendable {
    var body: EmbeddingsRequest
    var dimensions: Int
    var urgency: RequestUrgency
    var preparation: ContextPreparation
    var exchange: Exchange
    var context: RequestContext
}

extension Service {
    /// Answers `POST /v1/embeddings`: parses, tokenizes, queues; the compute thread responds.
    func embed(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext
    ) throws(APIError) {
        let body = try EmbeddingsRequest(
            parsing: request.body, inputsMaximum: configuration.inputsMaximum)
        guard serves(body.model) else {
            throw .modelNotFound(body.model, served: servedNames)
        }
        let engine = try engine()
        let urgency = try RequestUrgency(request.head.fields)
        let dimensions = try body.checkedDimensions(of: engine.model.dimensions)
        let preparation = try TextPreparation(engine, prompt: body.prompt)
        let order = EmbeddingOrder(
            body: body, dimensions: dimensions, urgency: urgency,
            preparation: try ContextPreparation(preparation, body.context), exchange: exchange,
            context: context)
        try tokenize(order, PreparedTexts())
    }

    /// Tokenizes one slice of the request's texts, then hands all to the queue, or lets the slices of
    /// other requests go first.
    ///
    /// Only the whole is submitted: a request is admitted or refused at once and with its true length.
    private func tokenize(
        _ order: EmbeddingOrder, _ earlier: PreparedTexts
    ) throws(APIError) {
        var texts = earlier
        let first = texts.work.count
        try texts.take(
            Self.sliceTextsMaximum, of: order.body, by: order.preparation,
            truncates: configuration.truncate, itemsMaximum: configuration.inputsMaximum)
        for work in texts.work[first...] {
            metrics.inputTokens.observe(Double(work.tokenIDs.count))
        }
        guard texts.inputCount < order.body.inputs.count else {
            try submit(order, texts)
            return
        }
        preparation.async { [self, texts] in
            guard !order.exchange.isAbandoned else {
                order.exchange.respond(response(to: .draining, order.context))
                return
            }
            do throws(APIError) {
                try tokenize(order, texts)
            } catch {
                order.exchange.respond(response(to: error, order.context))
            }
        }
    }

    /// About 2 ms of tokenization when the texts are documents.
    private static let sliceTextsMaximum = 64

    /// Takes what was kept, and submits the rest.
    private func submit(_ order: EmbeddingOrder, _ texts: PreparedTexts) throws(APIError) {
        let (engine, exchange) = (order.preparation.engine, order.exchange)
        metrics.tokenizationDuration.observe(texts.tokenization.seconds)
        metrics.truncations.add(texts.truncated)
        let form = EmbeddingsResponse(
            model: order.body.model, format: order.body.encodingFormat,
            dimensions: order.dimensions, tokens: texts.tokens, layouts: texts.layouts,
            normalizes: engine.model.givesUnitVectors)
        let context = try charge(texts.tokens, to: order.context)
        let recall = VectorRecall(texts.keys, in: engine.cache)
        guard !recall.missing.isEmpty else {
            countAdmitted(texts.work.count, tokens: texts.tokens, of: context)
            exchange.respond(answer(.success(recall.vectors), nil, form, texts, context))
            return
        }
        var batch = BatchRequest(
            items: recall.missing.map { texts.work[$0] },
            tokenCounts: recall.missing.map { texts.work[$0].tokenIDs.count },
            contentKeys: recall.missing.map { texts.keys[$0] })
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
            countAdmitted(texts.work.count, tokens: texts.tokens, of: context)
            exchange.onAbandon { engine.scheduler.cancel(ticket) }
        }
    }

    private func apiError(for refusal: AdmissionRefusal) -> APIError {
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
            guard vectors.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
                logger.error(
                    "the model gave numbers that are not finite",
                    metadata: ["request_id": .string(context.id)])
                return response(to: .inferenceFailed, context)
            }
            var response = json(form.body(vectors), context)
            if texts.truncated > 0 {
                response.fields.append(HeaderName.truncatedInputs, String(texts.truncated))
            }
            response.fields.append(HeaderName.serverTiming, Self.timing(texts, timings))
            return response
        case .failure(.workerFailed(let error)):
            logger.error(
                "inference failed",
                metadata: ["request_id": .string(context.id), "error": .string("\(error)")])
            return response(to: .inferenceFailed, context)
        case .failure(.deadlineExpired):
            // Spread, so that those who expired together do not return together.
            return response(to: .deadlineExceeded(retryAfter: .random(in: 1...4)), context)
        case .failure(.cancelled), .failure(.abandoned):
            return response(to: .draining, context)
        }
    }

    private static func timing(_ texts: PreparedTexts, _ timings: BatchTimings?) -> String {
        let parts = [
            ("tokenize", texts.tokenization), ("queue", timings?.wait ?? .zero),
            ("infer", timings?.compute ?? .zero),
        ]
        return parts.map { name, span in
            "\(name);dur=\(Double(span.nanoseconds / 1000) / 1000)"
        }.joined(separator: ", ")
    }
}
