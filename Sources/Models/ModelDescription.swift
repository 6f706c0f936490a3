import Kernels
import Platform

/// All that a folder's configuration files say, read and checked against each other.
///
/// It needs no weights, so it is quick to make and enough for `quiver inspect`.
package struct ModelDescription: Sendable {
    package let folder: ModelFolder
    package let configuration: ModelConfiguration
    package let pipeline: ModulePipeline
    package let settings: PipelineSettings
    package let sequenceLimit: SequenceLimit
    /// What gives the token vectors.
    let input: InputModule

    /// Reads the configuration files of the folder at `path`.
    ///
    /// - Throws: ``ModelError``.
    package init(folder path: String) throws(ModelError) {
        let folder = try ModelFolder(path: path)
        try self.init(folder, ModulePipeline.Outline(folder), hasSettings: true)
    }

    /// The model of a list of modules, which may be one route of a Router.
    init(
        _ folder: ModelFolder, _ modules: ModulePipeline.Outline, hasSettings: Bool
    ) throws(ModelError) {
        var outline = modules
        self.folder = folder
        switch outline.kind {
        case .router:
            let router = try RouterDescription(outline, folder)
            input = .router(router)
            configuration = ModelConfiguration(router)
            pipeline = ModulePipeline(router, at: outline.inputPath)
            settings = try PipelineSettings(folder, outputWidth: pipeline.outputWidth)
            sequenceLimit = router.routes[router.main].model.sequenceLimit
            return
        case .staticEmbedding:
            let layout = try TableLayout(staticEmbeddingIn: outline.inputPath, of: folder)
            input = .table(layout)
            configuration = ModelConfiguration(layout, file: folder.file("model.safetensors"))
        case .wordEmbeddings:
            var layout = try TableLayout(wordEmbeddingsIn: outline.inputPath, of: folder)
            layout.wordWeightsPath = outline.wordWeightsPath
            input = .table(layout)
            configuration = ModelConfiguration(layout, file: folder.file("model.safetensors"))
        default:
            (input, configuration) = try InputModule.described(
                by: ConfigurationFile(path: folder.file("config.json", in: outline.inputPath)))
            if case .universalEncoder = input { outline.unlisted = .universalEncoder }
        }
        pipeline = try ModulePipeline(
            outline, folder: folder, hiddenSize: configuration.hiddenSize,
            isCausalLanguageModel: configuration.isCausalLanguageModel)
        settings =
            hasSettings
            ? try PipelineSettings(folder, outputWidth: pipeline.outputWidth) : PipelineSettings()
        switch input {
        case .table(let layout):
            sequenceLimit = try SequenceLimit(layout, folder: folder)
        case .transformer(let family):
            sequenceLimit = try SequenceLimit(
                folder, module: pipeline.inputPath, stated: configuration.positionCount,
                usable: family.encoder(configuration).lengthMaximum,
                isListed: outline.following != nil)
        case .elmo, .universalEncoder:
            sequenceLimit = SequenceLimit(
                tokens: SequenceLimit.unbounded, origin: "the model has no limit")
        case .router(let router):
            sequenceLimit = router.routes[router.main].model.sequenceLimit
        }
    }

    /// The width of the vectors that a caller gets.
    package var dimension: Int { settings.truncatedWidth ?? pipeline.outputWidth }

    /// The width of a pooled vector, before the other modules.
    var pooledWidth: Int { configuration.hiddenSize * pipeline.pooling.modes.count }

    /// Whether the tokenizer is used as `tokenizer.json` has it, without special tokens.
    package var usesPlainTokenizer: Bool { input.usesPlainTokenizer }

    /// The folder that holds the tokenizer's files: that of the first module.
    package var tokenizerFolder: String {
        if case .router(let router) = input {
            return router.routes[router.main].model.tokenizerFolder
        }
        let module = pipeline.inputPath
        return module.isEmpty ? folder.path : folder.path + "/" + module
    }

    /// The encoder that the configuration asks for.
    func encoderConfiguration(_ family: ModelFamily) -> EncoderConfiguration {
        var encoder = family.encoder(configuration)
        // Tables by distance need not reach further than the longest text.
        encoder.lengthLimit = min(encoder.lengthLimit, sequenceLimit.tokens)
        return encoder
    }

    /// Opens the weights of the first module.
    ///
    /// - Throws: ``ModelError``.
    package func weights() throws(ModelError) -> WeightFiles {
        guard case .router(let router) = input else {
            return try WeightFiles(folder, in: pipeline.inputPath)
        }
        var files: [String: WeightFiles] = [:]
        for route in router.routes where files[route.model.pipeline.inputPath] == nil {
            files[route.model.pipeline.inputPath] = try route.model.weights()
        }
        return WeightFiles(joining: Array(files.values))
    }
}

extension ModelDescription {
    /// What computes token vectors, with its weights.
    ///
    /// - Parameters:
    ///   - weights: those that `weights()` opened.
    ///   - calibration: for int8, called for ids of ordinary texts.
    /// - Throws: ``ModelError``.
    func backbone(
        _ weights: WeightFiles, dtype: NumericType, kernels: Kernels,
        calibration: (_ tokenizerFolder: String) -> [[Int32]]
    ) throws(ModelError) -> any Backbone {
        switch input {
        case .router(let router):
            return try RoutedBackbone(router, kernels: kernels) { model throws(ModelError) in
                try model.backbone(
                    model.weights(), dtype: dtype, kernels: kernels, calibration: calibration)
            }
        case .table(let layout):
            return try TokenTable(layout, folder: folder, weights: weights, kernels: kernels)
        case .elmo(let elmo):
            return try ELMo(elmo, source: weights, kernels: kernels)
        case .universalEncoder(let encoder):
            return try UniversalEncoder(encoder, source: weights, kernels: kernels)
        case .transformer(let family):
            return try Encoder(
                configuration: encoderConfiguration(family),
                source: CanonicalTensors(weights, prefixes: family.prefixes),
                type: dtype, kernels: kernels,
                calibration: dtype == .int8 ? PackedBatch(calibration(tokenizerFolder)) : nil)
        }
    }

    /// Whether the last thing done to every vector is to normalize it.
    var endsNormalized: Bool {
        guard case .router(let router) = input else { return pipeline.steps.last == .normalize }
        return router.routes.allSatisfy { $0.model.pipeline.steps.last == .normalize }
    }
}
