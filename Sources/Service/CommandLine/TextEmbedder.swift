import Batching
import Platform

/// Embeds texts in this process: the engine of the service without its server.
package final class TextEmbedder {
    private let engine: Engine
    private let prompt: PromptChoice
    private let context: ContextChoice
    private let itemsMaximum: Int

    /// Loads the model; `prompt` is what goes before each text.
    ///
    /// - Throws: ``StartError``, also for a prompt or context that the model cannot have.
    package init(
        _ configuration: ServiceConfiguration, prompt: PromptChoice = .init(),
        context: ContextChoice = .init()
    ) throws {
        try configuration.validate()
        engine = try Engine(configuration, observer: SilentBatchObserver())
        self.prompt = prompt
        self.context = context
        itemsMaximum = configuration.inputsMaximum
        do {
            try context.check()
            _ = try ContextPreparation(TextPreparation(engine, prompt: prompt), context)
        } catch {
            throw StartError(error.message)
        }
    }

    /// Components of a vector.
    package var dimensions: Int { engine.model.dimensions }

    /// The vectors of `texts`, in order; too long texts are cut, or what the context says.
    ///
    /// - Throws: ``StartError`` for a text that the model cannot take.
    package func embed(_ texts: [String]) throws -> [[Float]] {
        let request = EmbeddingsRequest(texts, prompt: prompt, context: context)
        do {
            let prepared = try PreparedTexts(
                request, engine, truncates: true, itemsMaximum: itemsMaximum)
            return response(to: request, prepared).vectors(try rows(of: prepared.work))
        } catch let error as APIError {
            throw StartError("in this batch of lines, " + error.message)
        }
    }

    /// The body with which the service would answer a request.
    ///
    /// - Throws: ``APIError``.
    package func body(for request: EmbeddingsRequest) throws -> [UInt8] {
        let prepared = try PreparedTexts(
            request, engine, truncates: true, itemsMaximum: itemsMaximum)
        return try response(to: request, prepared).body(rows(of: prepared.work))
    }

    private func response(
        to request: EmbeddingsRequest, _ prepared: PreparedTexts
    ) -> EmbeddingsResponse {
        EmbeddingsResponse(
            model: request.model, format: request.encodingFormat, dimensions: dimensions,
            tokens: prepared.tokens, layouts: prepared.layouts,
            normalizes: engine.model.givesUnitVectors)
    }

    /// The rows of every item of work, computed by the engine's threads.
    private func rows(of work: [Engine.Work]) throws -> [[Float]] {
        let done = Semaphore()
        let outcome = Outcome()
        let engine = engine
        var request = BatchRequest(
            items: work.map { Engine.Job(engine: engine, work: $0) },
            tokenCounts: work.map(\.queuedTokenCount))
        request.model = engine.id
        let admission = engine.scheduler.submit(request) { result, _ in
            outcome.result.withLock { $0 = result }
            done.signal()
        }
        if case .failure(let refusal) = admission {
            throw StartError("the queue refused the texts: \(refusal.reason.label)")
        }
        done.wait()
        guard let result = outcome.result.withLock({ $0 }) else { return [] }
        return try result.get()
    }
}

/// Carries a result from the compute thread to the waiting one.
private final class Outcome: Sendable {
    let result = Locked<Result<[[Float]], BatchFailure>?>(nil)
}

/// Hears nothing.
package struct SilentBatchObserver: BatchObserver {
    package init() {}
    package func batchStarted(worker: Int, model: ModelID, items: Int, tokens: Int) {}
    package func batchFinished(_ report: BatchReport) {}
    package func requestRefused(_ reason: AdmissionRefusal.Reason, model: ModelID) {}
    package func requestFinished(_ outcome: RequestOutcome, model: ModelID, timings: BatchTimings) {
    }
}
