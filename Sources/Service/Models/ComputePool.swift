import Batching
import Platform

/// What all models of the process share: the compute threads, the queue before them, and the cache.
package final class ComputePool: Sendable {
    package let threads: Int
    package let scheduler: BatchScheduler<Engine.Job, [Float]>
    /// Vectors that were computed lately; holds nothing unless the configuration gives it room.
    package let cache: VectorCache
    /// What one thread computes of the first model, tokens a second: the unit of other models' costs.
    private let tokensPerSecond: Double
    private let residents = ResidentEngines()

    /// Starts the compute threads; `measured` is what one of them does with the first model.
    init(
        _ configuration: ServiceConfiguration, measured: BatchMeasurement,
        observer: any BatchObserver
    ) throws(StartError) {
        threads = configuration.threads ?? ProcessorLimits.current.threads
        cache = VectorCache(bytesMaximum: configuration.cacheBytes)
        tokensPerSecond = measured.tokensPerSecond
        let residents = residents
        let staysInPlace = ProcessorLimits.current.hasOneProcessor(forEachOf: threads)
        do {
            scheduler = try BatchScheduler(
                configuration: Self.batching(configuration, measured), workers: threads,
                observer: observer
            ) { worker in
                if staysInPlace { NamedThread.stay(onProcessor: worker) }
                return EmbeddingWorker(residents)
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    private static func batching(
        _ configuration: ServiceConfiguration, _ measured: BatchMeasurement
    ) -> BatchConfiguration {
        var batching = BatchConfiguration()
        batching.batchTokensMaximum = min(measured.batchTokens, configuration.queueTokens)
        batching.queueTokensMaximum = configuration.queueTokens
        batching.queueRequestsMaximum = configuration.queueRequests
        batching.requestItemsMaximum = configuration.inputsMaximum
        batching.tokensPerSecond = measured.tokensPerSecond
        batching.deadlineDefault =
            configuration.requestTimeout > .zero ? configuration.requestTimeout : nil
        batching.deadlineMaximum = configuration.requestTimeoutMaximum
        batching.interruptTokensMaxima = Engine.interruptTokensMaxima
        batching.handTokensMinimum = handTokensMinimum
        return batching
    }

    /// A thread joins a batch for at least this many of its tokens: a text of four ends sooner by two
    /// (docs/batching.md).
    private static let handTokensMinimum = 2

    /// Has every thread make memory for the model, and the queue serve it on its terms.
    package func add(_ engine: Engine) {
        residents.insert(engine)
        scheduler.setTerms(
            ModelTerms(
                batchTokensMaximum: engine.batchTokens,
                tokenCost: tokensPerSecond / engine.tokensPerSecond,
                isDivisible: engine.model.backbone.isDivisible),
            of: engine.id)
        scheduler.announceModels()
    }

    /// Lets go of a model that nobody asks for any more.
    package func remove(_ engine: Engine) {
        residents.remove(engine)
        scheduler.setTerms(nil, of: engine.id)
        scheduler.announceModels()
        cache.removeAll { Engine.owns(namespace: $0, engine.id) }
    }

    /// Requests for the model that were admitted and not yet answered.
    func admittedRequests(of engine: Engine) -> Int {
        scheduler.snapshot.models[engine.id]?.admittedRequests ?? 0
    }
}

/// The models for which compute threads keep memory.
final class ResidentEngines: Sendable {
    private let engines = Locked<[ModelID: Engine]>([:])

    var all: [ModelID: Engine] { engines.withLock { $0 } }

    func contains(_ id: ModelID) -> Bool { engines.withLock { $0[id] != nil } }

    func insert(_ engine: Engine) { engines.withLock { $0[engine.id] = engine } }

    func remove(_ engine: Engine) { engines.withLock { $0[engine.id] = nil } }
}
