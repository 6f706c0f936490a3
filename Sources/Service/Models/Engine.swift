import Batching
import Kernels
import Models
import Platform
import Synchronization
import Tokenizers

/// A loaded model with its tokenizer and its place among the compute threads: what turns texts into
/// vectors.
package final class Engine: Sendable {
    /// What one text becomes before the queue.
    package struct Work: Sendable {
        package var tokenIDs: [Int32]
        /// The tokens at its start that pooling may leave out.
        package var promptTokenCount = 0
        /// What is wanted of it.
        package var output = TextOutput.vector
        /// Its way through the model.
        package var route = 0

        package init(tokenIDs: [Int32], promptTokenCount: Int = 0, route: Int = 0) {
            (self.tokenIDs, self.promptTokenCount) = (tokenIDs, promptTokenCount)
            self.route = route
        }

        /// The tokens that the queue counts: a text of none still takes a place in a batch.
        var queuedTokenCount: Int { max(1, tokenIDs.count) }
    }

    /// One text in the queue, with the model that it keeps loaded.
    package struct Job: Sendable {
        package let engine: Engine
        package let work: Work

        package init(engine: Engine, work: Work) {
            (self.engine, self.work) = (engine, work)
        }
    }

    /// The model's number in the queue and in the keys of texts; no two engines of a process have the
    /// same.
    package let id: ModelID
    package let model: EmbeddingModel
    /// One for each of the model's routes.
    let tokenizers: [Tokenizer]
    /// Threads, queue and cache, which all models share.
    package let pool: ComputePool
    /// What was loaded, to know whether it is there anew.
    let origin: ModelOrigin
    /// Tokens of one batch on one thread: as configured, or as measured.
    let batchTokens: Int
    /// What one thread computes in such batches.
    let tokensPerSecond: Double
    private let keySeed = UInt64.random(in: .min ... .max)

    package var threads: Int { pool.threads }
    var scheduler: BatchScheduler<Job, [Float]> { pool.scheduler }
    var cache: VectorCache { pool.cache }

    /// Loads the model of a configuration that has one, and starts the compute threads.
    ///
    /// - Throws: ``StartError`` that names the file and the way out.
    package convenience init(
        _ configuration: ServiceConfiguration, observer: any BatchObserver
    ) throws(StartError) {
        guard let setting = configuration.models.first, configuration.models.count == 1 else {
            throw StartError("one model is needed, not \(configuration.models.count)")
        }
        try self.init(setting, configuration, pool: nil, observer: observer)
        pool.add(self)
    }

    /// Loads the folder and runs first texts through the model; `pool` does not know it yet.
    ///
    /// - Parameter pool: nil starts the compute threads.
    /// - Throws: ``StartError`` that names the file and the way out.
    init(
        _ setting: ModelSetting, _ configuration: ServiceConfiguration, pool: ComputePool?,
        observer: any BatchObserver
    ) throws(StartError) {
        // Before the files are read: a change while they are is then seen the next time.
        origin = ModelOrigin(setting)
        var loaded: Tokenizer?
        let model = try Self.loadModel(setting, tokenizer: &loaded)
        self.model = model
        tokenizers = try Self.loadTokenizers(of: model, loaded: loaded)
        do {
            for (route, tokenizer) in tokenizers.enumerated() {
                try model.checkVocabulary(of: tokenizer.vocabularySize, route: route)
            }
        } catch {
            throw StartError("\(error)")
        }
        try Self.checkPrompt(setting, model)
        let measured = try BatchMeasurement(
            model, tokenID: tokenizers[model.mainRoute].wrap(ids: []).first ?? 0,
            fixed: configuration.batchTokens)
        batchTokens = min(measured.batchTokens, configuration.queueTokens)
        tokensPerSecond = measured.tokensPerSecond
        id = ModelID(Self.count.add(1, ordering: .relaxed).newValue)
        if let pool {
            self.pool = pool
        } else {
            self.pool = try ComputePool(configuration, measured: measured, observer: observer)
        }
        try warmUp()
    }

    private static let count = Atomic<Int>(0)

    /// Memory for batches of this model on one thread.
    func makeArena() -> EmbeddingArena {
        EmbeddingArena(
            model: model, tokensMaximum: max(batchTokens, model.maximumLength),
            interruptTokensMaxima: Self.interruptTokensMaxima)
    }

    /// What makes two texts the same work.
    ///
    /// Of the options of a request only the route, the prompt's length and the kind of output change what
    /// the model computes of given ids; a cut to fewer dimensions is made of the whole vector.
    package func contentKey(of work: Work) -> ContentKey {
        ContentKey(
            namespace: UInt64(id.value) << 32 | UInt64(work.route) << 24
                | UInt64(work.promptTokenCount),
            tokens: work.tokenIDs + work.output.keyTokens, seed: keySeed)
    }

    /// Whether keys of this namespace are of the model.
    static func owns(namespace: UInt64, _ id: ModelID) -> Bool {
        namespace >> 32 == UInt64(id.value)
    }

    /// Up to so many tokens a request may run between two layers of a longer batch: a document between
    /// those of a large request's, and a query between those of any document.
    static let interruptTokensMaxima = [256, 64]

    private static func checkPrompt(
        _ setting: ModelSetting, _ model: EmbeddingModel
    ) throws(StartError) {
        guard let name = setting.promptName else { return }
        let settings = model.description.settings
        guard settings.prompt(named: name) == nil else { return }
        let names = settings.prompts.map { "'\($0.name)'" }.joined(separator: ", ")
        throw StartError("\(setting.folder): there is no prompt '\(name)'. There are: \(names)")
    }

    /// Loads the model with the arithmetic and the kernels that the configuration asks for.
    ///
    /// - Parameter tokenizer: set where int8 needed it: for the ids of the texts that show the encoder
    ///   the range of its activations.
    static func loadModel(
        _ setting: ModelSetting, tokenizer: inout Tokenizer?
    ) throws(StartError) -> EmbeddingModel {
        do {
            let kernels = try Kernels(KernelChoice(setting.kernels))
            var loaded: Tokenizer?
            defer { tokenizer = loaded }
            return try EmbeddingModel(
                folder: setting.folder, dtype: numericType(setting, kernels), kernels: kernels
            ) { folder in
                // One that cannot be loaded is an error of its own, a moment later.
                loaded = try? loadTokenizer(folder)
                guard let loaded else { return [] }
                return CalibrationTexts.all.map { loaded.tokenIDs($0).ids }.filter { !$0.isEmpty }
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    private static func numericType(_ setting: ModelSetting, _ kernels: Kernels) -> NumericType {
        NumericType(rawValue: setting.dtype) ?? kernels.fastestFaithfulType
    }

    /// The tokenizer of texts whose use is not named.
    package var tokenizer: Tokenizer { tokenizers[model.mainRoute] }

    /// The tokenizers of the model's routes; `loaded` is the one that int8 needed.
    static func loadTokenizers(
        of model: EmbeddingModel, loaded: Tokenizer?
    ) throws(StartError) -> [Tokenizer] {
        let first = model.routes[0]
        if let loaded, model.routes.count == 1, !first.lowercasesTexts, !first.usesPlainTokenizer {
            return [loaded]
        }
        var tokenizers: [Tokenizer] = []
        for route in model.routes {
            tokenizers.append(
                try loadTokenizer(
                    route.tokenizerFolder, lowercases: route.lowercasesTexts,
                    isPlain: route.usesPlainTokenizer))
        }
        return tokenizers
    }

    /// Loads `tokenizer.json`, or what older folders have instead, and what goes with it.
    ///
    /// - Parameter isPlain: whether `tokenizer.json` is used alone and without special tokens.
    static func loadTokenizer(
        _ folder: String, lowercases: Bool = false, isPlain: Bool = false
    ) throws(StartError) -> Tokenizer {
        let files = try TokenizerFiles(
            exists: { Files.exists(folder + "/" + $0) },
            contents: { name throws(StartError) in try contents(of: folder + "/" + name) })
        do {
            return try Tokenizer(files, lowercases: lowercases, isPlain: isPlain)
        } catch {
            throw StartError("\(folder): \(error)")
        }
    }

    private static func contents(of path: String) throws(StartError) -> [UInt8] {
        do {
            return try Files.contents(of: path, limit: tokenizerBytesMaximum)
        } catch {
            throw StartError("\(path): \(error)")
        }
    }

    /// The largest vocabularies in use take about 35 MB.
    private static let tokenizerBytesMaximum = 256 << 20

    /// Runs one text, so that the first request finds everything in memory.
    private func warmUp() throws(StartError) {
        let ids = tokenizer.wrap(ids: [])
        guard !ids.isEmpty else { return }
        // Not by the queue: its metrics tell of requests, and there has been none.
        let arena = EmbeddingArena(
            model: model, tokensMaximum: ids.count, interruptTokensMaxima: [])
        do {
            _ = try arena.run([Work(tokenIDs: ids, route: model.mainRoute)])
        } catch {
            throw StartError("the model fails on its first text: \(error)")
        }
    }
}

/// Why the service could not start: one line for the operator, who sees exit code 2.
package struct StartError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension TextOutput {
    /// What follows a text's ids in its key: no ids, which are not negative, begin so.
    fileprivate var keyTokens: [Int32] {
        switch self {
        case .vector: []
        case .tokens: [-1]
        case .spans(let spans):
            [-2] + spans.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] }
        }
    }
}
