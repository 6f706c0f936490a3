import Batching
import HTTPServer
import JSON
import Models
import Platform
import Tokenizers

extension Service {
    /// Texts that are ready for the queue.
    struct PreparedTexts: Sendable {
        var work: [Engine.Work] = []
        /// What makes each the same work as another, in the same order.
        var keys: [ContentKey] = []
        var tokens = 0
        var truncated = 0
        var tokenization = TimeSpan.zero
    }

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
        let dimensions = try checkedDimensions(body, engine.model.dimensions)
        let texts = try prepareTexts(body, engine)
        let form = EmbeddingsResponse(
            model: body.model, format: body.encodingFormat, dimensions: dimensions,
            tokens: texts.tokens)
        let context = try charge(texts.tokens, to: context)

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
        batch.priority = urgency.priority(tokens: texts.tokens, ofKey: context.priority)
        batch.deadline = urgency.timeout.map { exchange.receivedAt.advanced(by: $0) }
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

    private func checkedDimensions(
        _ body: EmbeddingsRequest, _ width: Int
    ) throws(APIError) -> Int {
        guard let dimensions = body.dimensions else { return width }
        guard (1...width).contains(dimensions) else {
            throw .invalidValue(
                "dimensions",
                "'dimensions' must be from 1 to \(width), the model's own, not \(dimensions).")
        }
        return dimensions
    }

    private func prepareTexts(
        _ body: EmbeddingsRequest, _ engine: Engine
    ) throws(APIError) -> PreparedTexts {
        let start = MonotonicTime.now
        var texts = PreparedTexts()
        texts.work.reserveCapacity(body.inputs.count)
        let preparation = try TextPreparation(engine, prompt: body.prompt)
        for (index, input) in body.inputs.enumerated() {
            let parameter = body.parameter(of: index)
            let (work, isTruncated) = try preparation.work(of: input, parameter)
            if isTruncated {
                guard body.truncate ?? configuration.truncate else {
                    throw .tooLong(
                        parameter, tokens: preparation.untruncatedLength(of: input),
                        limit: engine.model.maximumLength)
                }
                texts.truncated += 1
            }
            texts.tokens += work.tokenIDs.count
            texts.work.append(work)
            texts.keys.append(engine.contentKey(of: work))
        }
        texts.tokenization = MonotonicTime.now.interval(since: start)
        metrics.tokenizationDuration.observe(texts.tokenization.seconds)
        for work in texts.work { metrics.inputTokens.observe(Double(work.tokenIDs.count)) }
        metrics.truncations.add(texts.truncated)
        return texts
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
