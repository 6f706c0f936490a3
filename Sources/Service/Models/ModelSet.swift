import Batching

/// A model under the names by which requests ask for it.
package struct ServedModel: Sendable {
    package let setting: ModelSetting
    package let engine: Engine
    let metrics: ModelMetrics
}

/// The models that are served at one moment, in the order of the configuration; never empty.
package struct ModelSet: Sendable {
    package let models: [ServedModel]
    private let byName: [String: Int]
    /// The one that takes names that no model has.
    private let forAnyName: Int?

    init(_ models: [ServedModel]) {
        self.models = models
        var byName: [String: Int] = [:]
        for (index, model) in models.enumerated() {
            for name in model.setting.servedNames { byName[name] = index }
        }
        self.byName = byName
        forAnyName = models.firstIndex { $0.setting.takesAnyName }
    }

    /// The threads and the queue, which are the same for all.
    package var pool: ComputePool { models[0].engine.pool }

    /// Every name, the first model's first.
    package var names: [String] { models.flatMap(\.setting.servedNames) }

    /// The model that a request names.
    ///
    /// - Throws: a 404 that lists the names there are.
    package func model(named name: String) throws(APIError) -> ServedModel {
        guard let index = byName[name] ?? forAnyName else {
            throw .modelNotFound(name, served: names)
        }
        return models[index]
    }

    /// The model of a request that need not name one where there is only one.
    ///
    /// - Throws: a 400 or 404 that lists the names there are.
    package func model(namedIfNeeded name: String?) throws(APIError) -> ServedModel {
        if let name { return try model(named: name) }
        guard models.count == 1 else {
            let names = names.map { "'\($0)'" }.joined(separator: ", ")
            throw .missing("model", "this server has several, name one of \(names)")
        }
        return models[0]
    }

    /// Engines of this set that `other` does not have.
    func engines(notIn other: ModelSet) -> [Engine] {
        let kept = Set(other.models.map(\.engine.id))
        return models.map(\.engine).filter { !kept.contains($0.id) }
    }
}

extension ModelSet {
    /// The set that a configuration asks for.
    ///
    /// Engines of `old` whose folder, files and arithmetic are the same go on; the others are loaded
    /// beside them and made known to the threads when all are there, so that an error changes nothing.
    ///
    /// - Throws: ``StartError`` that names the file and the way out.
    package init(
        _ configuration: ServiceConfiguration, keeping old: ModelSet?, metrics: ServiceMetrics,
        observer: any BatchObserver, onLoaded: (ServedModel) -> Void
    ) throws(StartError) {
        let kept = Self.kept(of: old, for: configuration.models)
        var pool = old?.pool
        var served: [ServedModel] = []
        var loaded: [Engine] = []
        for (setting, known) in zip(configuration.models, kept) {
            let engine: Engine
            if let known {
                engine = known
            } else {
                engine = try Engine(setting, configuration, pool: pool, observer: observer)
                loaded.append(engine)
            }
            pool = engine.pool
            let model = ServedModel(
                setting: setting, engine: engine, metrics: metrics.model(setting.label))
            served.append(model)
            if known == nil { onLoaded(model) }
        }
        for engine in loaded { engine.pool.add(engine) }
        self.init(served)
    }

    /// For each setting the engine that can go on with it, or nil.
    ///
    /// Under its old name where it can, so that what it is counted under stays the same.
    private static func kept(of old: ModelSet?, for settings: [ModelSetting]) -> [Engine?] {
        var free = old?.models ?? []
        let origins = settings.map { ModelOrigin($0) }
        var kept: [Engine?] = settings.map { _ in nil }
        for keepsName in [true, false] {
            for index in settings.indices where kept[index] == nil {
                let place = free.firstIndex {
                    $0.engine.origin == origins[index]
                        && (!keepsName || $0.setting.label == settings[index].label)
                }
                if let place { kept[index] = free.remove(at: place).engine }
            }
        }
        return kept
    }
}
