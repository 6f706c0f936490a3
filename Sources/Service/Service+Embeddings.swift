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
        let dimensions = try checkedDimensions(body, engine.model.dimensions)
        let texts = try prepareTexts(body, engine)
        let form = EmbeddingsResponse(
            model: body.model, format: body.encodingFormat, dimensions: dimensions,
            tokens: texts.tokens)

        let batch = BatchRequest(items: texts.work, tokenCounts: texts.work.map(\.tokenIDs.count))
        let admission = engine.scheduler.submit(batch) { [self] result, timings in
            exchange.respond(answer(result, timings, form, texts, context))
        }
        switch admission {
        case .failure(let refusal):
            throw apiError(for: refusal)
        case .success(let ticket):
            metrics.texts.add(texts.work.count)
            metrics.tokens.add(texts.tokens)
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
        case .queueTokensFull, .queueRequestsFull, .clientShareFull, .waitTooLong,
            .deadlineTooShort:
            return .queueFull(retryAfter: max(1, Int(refusal.retryAfter.seconds.rounded(.up))))
        }
    }

    /// The response to a request that was admitted; runs on the compute thread.
    private func answer(
        _ result: Result<[[Float]], BatchFailure>, _ timings: BatchTimings,
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
            return response(to: .queueFull(retryAfter: 1), context)
        case .failure(.cancelled), .failure(.abandoned):
            return response(to: .draining, context)
        }
    }

    private static func timing(_ texts: PreparedTexts, _ timings: BatchTimings) -> String {
        let parts = [
            ("tokenize", texts.tokenization), ("queue", timings.wait), ("infer", timings.compute),
        ]
        return parts.map { name, span in
            "\(name);dur=\(Double(span.nanoseconds / 1000) / 1000)"
        }.joined(separator: ", ")
    }
}
