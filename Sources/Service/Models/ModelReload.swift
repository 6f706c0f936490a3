import Batching
import Glibc
import Logging
import Platform

/// Loads models at the start and whenever the configuration is read again, one change at a time.
///
/// New models are loaded beside the old ones, on a thread of their own, while requests go on. Then
/// one step puts the new set in the old one's place: a request has the models that were there when it
/// came. What is not served any more is let go when its last request is answered.
final class ModelReload: Sendable {
    private let service: Service
    private let observer: ServiceObserver
    private let logger: Logger
    private let readAgain: @Sendable () throws -> ServiceConfiguration
    private let state = Locked(State())

    private struct State {
        /// True from the start: the first models are loaded before any others.
        var isBusy = true
        /// Whether somebody asked meanwhile.
        var isAskedAgain = false
        /// The settings that are in force.
        var configuration = ServiceConfiguration()
    }

    init(
        service: Service, observer: ServiceObserver, logger: Logger,
        readAgain: @escaping @Sendable () throws -> ServiceConfiguration
    ) {
        self.service = service
        self.observer = observer
        self.logger = logger
        self.readAgain = readAgain
    }

    /// Loads the models of the start and serves them.
    ///
    /// - Throws: ``StartError`` for the first one that cannot be loaded.
    func loadFirst(_ configuration: ServiceConfiguration) throws(StartError) -> ModelSet {
        let models = try load(configuration, keeping: nil)
        state.withLock { $0.configuration = configuration }
        service.serve(models)
        finish()
        return models
    }

    /// Reads the configuration and loads what is new in it, soon and on another thread.
    func reload() {
        let starts = state.withLock { state in
            if state.isBusy { state.isAskedAgain = true }
            defer { state.isBusy = true }
            return !state.isBusy
        }
        guard starts else { return }
        _ = NamedThread(name: "quiver-load", stackBytes: 8 << 20) { [self] in
            NamedThread.stepBack(niceness: Self.niceness)
            giveBack(apply())
            finish()
        }
    }

    /// Loading uses what processors' time the requests leave: this is the thread's, and its
    /// children's, for they inherit it.
    private static let niceness: Int32 = 10

    private func finish() {
        let isAskedAgain = state.withLock { state in
            defer { (state.isBusy, state.isAskedAgain) = (false, false) }
            return state.isAskedAgain
        }
        if isAskedAgain { reload() }
    }

    /// Brings the models to what the configuration says now; an error leaves everything as it is.
    ///
    /// - Returns: the engines that go.
    private func apply() -> [Departed] {
        guard let old = service.loadedModels else { return [] }
        let new: ModelSet
        let configuration: ServiceConfiguration
        do {
            configuration = try readAgain()
            try configuration.validate()
            new = try load(configuration, keeping: old)
        } catch {
            service.metrics.modelReloadsFailed.add()
            logger.error(
                "the models could not be loaded again; the old ones stay",
                metadata: ["reason": .string("\(error)")])
            return []
        }
        warnOfOthers(configuration)
        service.serve(new)
        logger.info(
            "configuration loaded",
            metadata: [
                "models": .string(new.models.map(\.setting.label).joined(separator: ",")),
                "loaded": .stringConvertible(new.engines(notIn: old).count),
                "kept": .stringConvertible(
                    new.models.count - new.engines(notIn: old).count),
            ])
        let gone = old.models.filter { model in
            !new.models.contains { $0.engine.id == model.engine.id }
        }
        for model in gone { letGo(model) }
        return gone.map {
            Departed(label: $0.setting.label, id: $0.engine.id, engine: $0.engine)
        }
    }

    private func load(
        _ configuration: ServiceConfiguration, keeping old: ModelSet?
    ) throws(StartError) -> ModelSet {
        var start = MonotonicTime.now
        return try ModelSet(
            configuration, keeping: old, metrics: service.metrics, observer: observer
        ) { model in
            let now = MonotonicTime.now
            logger.info("model loaded", metadata: Self.metadata(of: model, since: start, now))
            reportFallback(of: model)
            start = now
        }
    }

    private func reportFallback(of served: ServedModel) {
        let layers = served.engine.model.bfloat16Layers
        guard !layers.isEmpty else { return }
        logger.notice(
            "layers kept in bfloat16, as int8 would cost them too much",
            metadata: [
                "model": .string(served.setting.label),
                "layers": .string(layers.joined(separator: "; ")),
            ])
    }

    private static func metadata(
        of served: ServedModel, since start: MonotonicTime, _ end: MonotonicTime
    ) -> Logger.Metadata {
        let engine = served.engine
        return [
            "model": .string(served.setting.label), "path": .string(served.setting.folder),
            "dtype": .string("\(engine.model.dtype)"),
            "kernels": .string(engine.model.kernelsName),
            "dimensions": .stringConvertible(engine.model.dimensions),
            "max_tokens": .stringConvertible(engine.model.maximumLength),
            "batch_tokens": .stringConvertible(engine.batchTokens),
            "load_ms": .stringConvertible(
                Int(end.interval(since: start).nanoseconds / 1_000_000)),
        ]
    }

    /// Waits for the model's last request, and has the threads forget it.
    private func letGo(_ model: ServedModel) {
        let engine = model.engine
        while engine.pool.admittedRequests(of: engine) > 0 { usleep(Self.lookMicroseconds) }
        engine.pool.remove(engine)
    }

    /// An engine that nobody should hold any more.
    private struct Departed {
        let label: String
        let id: ModelID
        weak var engine: Engine?
    }

    /// Waits until the engines' memory is free, and gives it back to the system: the allocator alone
    /// keeps it for later.
    private func giveBack(_ engines: [Departed]) {
        guard !engines.isEmpty else { return }
        let end = MonotonicTime.now.advanced(by: Self.patience)
        while engines.contains(where: { $0.engine != nil }), MonotonicTime.now < end {
            usleep(Self.lookMicroseconds)
        }
        // Not before: who answers a model's last request holds the model while it is counted, and the queue
        // has forgotten that request by then.
        for departed in engines where departed.engine == nil {
            service.metrics.assign(nil, to: departed.id)
        }
        // A reference is gone before the memory behind it, which another thread may be freeing yet.
        usleep(Self.freeingMicroseconds)
        ProcessUsage.returnFreeMemory()
        for departed in engines {
            logger.info(
                "model unloaded",
                metadata: [
                    "model": .string(departed.label),
                    "resident_bytes": .stringConvertible(ProcessUsage.read().residentBytes),
                ])
        }
    }

    private static let lookMicroseconds: UInt32 = 10_000
    private static let freeingMicroseconds: UInt32 = 100_000
    /// For threads to come to the end of a batch, and texts to be tokenized that came before.
    private static let patience = TimeSpan.seconds(10)

    /// Only models change while the service runs; says so when other settings were changed.
    private func warnOfOthers(_ configuration: ServiceConfiguration) {
        let before = state.withLock { state in
            defer { state.configuration = configuration }
            return state.configuration.given
        }
        let after = configuration.given
        let changed = Setting.all.map(\.name).filter {
            !Self.settingsOfModels.contains($0) && before[$0] != after[$0]
        }
        guard !changed.isEmpty else { return }
        logger.warning(
            "these settings change at the next start only",
            metadata: ["settings": .string(changed.joined(separator: ","))])
    }

    private static let settingsOfModels: Set<String> = [
        "model", "served-model-name", "dtype", "kernels", "truncate",
    ]
}
