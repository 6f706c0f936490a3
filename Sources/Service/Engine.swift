import Batching
import Kernels
import Models
import Platform
import Synchronization
import Tokenizers

/// A loaded model with its tokenizer and its compute threads: what turns texts into vectors.
package final class Engine: Sendable {
    /// What one text becomes before the queue.
    package struct Work: Sendable {
        package var tokenIDs: [Int32]
        /// The tokens at its start that pooling may leave out.
        package var promptTokenCount = 0
        /// What is wanted of it.
        package var output = TextOutput.vector

        /// The tokens that the queue counts: a text of none still takes a place in a batch.
        var queuedTokenCount: Int { max(1, tokenIDs.count) }
    }

    package let model: EmbeddingModel
    package let tokenizer: Tokenizer
    package let threads: Int
    let scheduler: BatchScheduler<Work, [Float]>
    /// Vectors that were computed lately; holds nothing unless the configuration gives it room.
    let cache: VectorCache
    /// Tokens of one batch on one thread: as configured, or as measured.
    let batchTokens: Int
    /// Stands for the model, its dtype and its folder's settings in the keys of texts; no two
    /// engines of a process have the same.
    private let namespace: UInt64
    private let keySeed = UInt64.random(in: .min ... .max)

    /// Loads the folder, starts the compute threads and runs a first text through the model.
    ///
    /// - Throws: ``StartError`` that names the file and the way out.
    package init(
        _ configuration: ServiceConfiguration, observer: any BatchObserver
    ) throws(StartError) {
        threads = configuration.threads ?? ProcessorLimits.current.threads
        var loaded: Tokenizer?
        let model = try Self.loadModel(configuration, tokenizer: &loaded)
        self.model = model
        if let loaded, !model.lowercasesTexts, !model.usesPlainTokenizer {
            tokenizer = loaded
        } else {
            tokenizer = try Self.loadTokenizer(
                model.tokenizerFolder, lowercases: model.lowercasesTexts,
                isPlain: model.usesPlainTokenizer)
        }
        do {
            try model.checkVocabulary(of: tokenizer.vocabularySize)
            let measured = try BatchMeasurement(
                model, tokenID: tokenizer.wrap(ids: []).first ?? 0,
                fixed: configuration.batchTokens)
            batchTokens = min(measured.batchTokens, configuration.queueTokens)
            cache = VectorCache(bytesMaximum: configuration.cacheBytes)
            namespace = UInt64(Self.count.add(1, ordering: .relaxed).newValue)
            let batching = Self.batching(configuration, batchTokens, measured.tokensPerSecond)
            let tokensMaximum = max(batchTokens, model.maximumLength)
            scheduler = try BatchScheduler(
                configuration: batching, workers: threads, observer: observer
            ) { _ in
                EmbeddingWorker(
                    model: model, tokensMaximum: tokensMaximum,
                    interruptTokensMaximum: Self.interruptTokensMaximum)
            }
        } catch {
            throw StartError("\(error)")
        }
        try warmUp()
    }

    private static let count = Atomic<Int>(0)

    private static func batching(
        _ configuration: ServiceConfiguration, _ batchTokens: Int, _ tokensPerSecond: Double
    ) -> BatchConfiguration {
        var batching = BatchConfiguration()
        batching.batchTokensMaximum = batchTokens
        batching.queueTokensMaximum = configuration.queueTokens
        batching.queueRequestsMaximum = configuration.queueRequests
        batching.requestItemsMaximum = configuration.inputsMaximum
        batching.tokensPerSecond = tokensPerSecond
        batching.deadlineDefault =
            configuration.requestTimeout > .zero ? configuration.requestTimeout : nil
        batching.deadlineMaximum = configuration.requestTimeoutMaximum
        batching.interruptTokensMaximum = interruptTokensMaximum
        batching.gangTokensMinimum = gangTokensMinimum
        return batching
    }

    /// What makes two texts the same work.
    ///
    /// Of the options of a request only the prompt's length and the kind of output change what the
    /// model computes of given ids; a cut to fewer dimensions is made of the whole vector.
    func contentKey(of work: Work) -> ContentKey {
        ContentKey(
            namespace: namespace << 32 | UInt64(work.promptTokenCount),
            tokens: work.tokenIDs + work.output.keyTokens, seed: keySeed)
    }

    /// From this many tokens a text that is alone gets all idle threads: below, the join costs more than
    /// it brings (docs/batching.md).
    private static let gangTokensMinimum = 16

    /// Up to this many tokens a request may run between two layers of a longer batch: a query, not a
    /// document, which a query could not interrupt in its turn.
    private static let interruptTokensMaximum = 64

    /// Loads the model with the arithmetic and the kernels that the configuration asks for.
    ///
    /// - Parameter tokenizer: set where int8 needed it: for the ids of the texts that show the encoder
    ///   the range of its activations.
    static func loadModel(
        _ configuration: ServiceConfiguration, tokenizer: inout Tokenizer?
    ) throws(StartError) -> EmbeddingModel {
        do {
            let kernels = try Kernels(KernelChoice(configuration.kernels))
            var loaded: Tokenizer?
            defer { tokenizer = loaded }
            return try EmbeddingModel(
                folder: configuration.model ?? "", dtype: numericType(configuration, kernels),
                kernels: kernels
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

    private static func numericType(
        _ configuration: ServiceConfiguration, _ kernels: Kernels
    ) -> NumericType {
        NumericType(rawValue: configuration.dtype) ?? kernels.fastestFaithfulType
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

    /// Runs one text on every thread, so that the first request finds everything in memory.
    private func warmUp() throws(StartError) {
        let ids = tokenizer.wrap(ids: [])
        guard !ids.isEmpty else { return }
        // Not by the queue: its metrics tell of requests, and there has been none.
        let worker = EmbeddingWorker(
            model: model, tokensMaximum: ids.count, interruptTokensMaximum: ids.count)
        do {
            _ = try worker.run([Work(tokenIDs: ids)])
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
