import Batching
import Platform
import Synchronization

/// Embeds texts in this process: the engine of the service without its server.
package final class TextEmbedder {
    private let engine: Engine
    private let preparation: TextPreparation

    /// Loads the model; `prompt` is what goes before each text.
    package init(_ configuration: ServiceConfiguration, prompt: PromptChoice = .init()) throws {
        try configuration.validate()
        engine = try Engine(configuration, observer: SilentBatchObserver())
        do {
            preparation = try TextPreparation(engine, prompt: prompt)
        } catch {
            throw StartError(error.message)
        }
    }

    /// Components of a vector.
    package var dimensions: Int { engine.model.dimensions }

    /// The vectors of `texts`, in order; too long texts are cut.
    package func embed(_ texts: [String]) throws -> [[Float]] {
        var work: [Engine.Work] = []
        for (index, text) in texts.enumerated() {
            do {
                work.append(try preparation.work(of: .text(text), "text \(index + 1)").work)
            } catch {
                throw StartError("in this batch, " + error.message)
            }
        }
        let done = Semaphore()
        let outcome = Outcome()
        let request = BatchRequest(items: work, tokenCounts: work.map(\.tokenIDs.count))
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
    let result = Mutex<Result<[[Float]], BatchFailure>?>(nil)
}

/// Hears nothing.
struct SilentBatchObserver: BatchObserver {
    func batchStarted(worker: Int, model: ModelID, items: Int, tokens: Int) {}
    func batchFinished(_ report: BatchReport) {}
    func requestRefused(_ reason: AdmissionRefusal.Reason) {}
    func requestFinished(_ outcome: RequestOutcome, timings: BatchTimings) {}
}
