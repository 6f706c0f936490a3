/// What a Sentence-Transformers folder does with a text, in order: its `modules.json`.
package struct ModulePipeline: Equatable, Sendable {
    /// A module after the pooling, applied to the text's one vector.
    package enum Step: Equatable, Sendable {
        /// `activation(x·Wᵀ + b)`, plus `x` or `x·Rᵀ` when there is a residual.
        case dense(DenseConfiguration)
        /// `x / max(‖x‖₂, 1e-12)`.
        case normalize
        /// A layer norm with weight and bias, epsilon 1e-5; `path` is the module's folder.
        case layerNorm(path: String, width: Int)
    }

    /// The folder of the first module, with its weights and tokenizer; empty at the top.
    package let inputPath: String
    package let pooling: PoolingConfiguration
    package let steps: [Step]
    /// The width of the vector that comes out of the last module.
    package let outputWidth: Int
    /// The folders of the other modules; most do not exist for a module without settings.
    package let modulePaths: [String]

    /// A module of the list: what it is, and its folder.
    struct Module {
        var kind: Kind
        var path: String
    }

    /// The modules of a folder, without the configurations behind them.
    struct Outline {
        /// The kind of the first module.
        var kind = Kind.transformer
        /// Its folder.
        var inputPath = ""
        /// The folder of a WordWeights module behind it.
        var wordWeightsPath: String?
        /// Kind and path of what follows these; nil without a `modules.json`.
        var following: [Module]?
        /// What follows the first module without a `modules.json`.
        var unlisted = Unlisted.mean
        /// The file with the list, and the keys that lead to it there.
        var origin = ""
        var list = ""
    }

    /// What follows a first module that stands alone.
    enum Unlisted {
        /// Pooling by the mean, or the last token of a causal language model.
        case mean
        /// The mean, of length 1, as model2vec's own configuration may ask.
        case normalizedMean
        /// The sum over the root of the length, and more that the model has itself.
        case universalEncoder
    }

    /// The modules that are implemented, by the last component of their class path.
    enum Kind: String, CaseIterable {
        case transformer = "Transformer"
        case pooling = "Pooling"
        case dense = "Dense"
        case normalize = "Normalize"
        case layerNorm = "LayerNorm"
        case dropout = "Dropout"
        case staticEmbedding = "StaticEmbedding"
        case wordEmbeddings = "WordEmbeddings"
        case wordWeights = "WordWeights"
        case router = "Router"
        case asym = "Asym"

        /// Those that a list of modules may begin with.
        static let inputs = [Kind.transformer, staticEmbedding, wordEmbeddings, router]
        /// Those that may stand behind the text's vector.
        static let steps = [Kind.dense, normalize, layerNorm, dropout]
    }

    /// The pipeline whose first module gives token vectors of `hiddenSize` components.
    ///
    /// - Parameter isCausalLanguageModel: whether, without a `modules.json`, the last token is pooled
    ///   and not the mean.
    /// - Throws: ``ModelError``.
    init(
        _ outline: Outline, folder: ModelFolder, hiddenSize: Int, isCausalLanguageModel: Bool
    ) throws(ModelError) {
        inputPath = outline.inputPath
        modulePaths =
            (outline.following?.map(\.path) ?? [])
            + (outline.wordWeightsPath.map { [$0] } ?? [])
        guard let following = outline.following else {
            let mean = isCausalLanguageModel ? PoolingConfiguration.Mode.lastToken : .mean
            pooling = PoolingConfiguration(
                modes: [outline.unlisted == .universalEncoder ? .meanSquareRootLength : mean])
            steps = outline.unlisted == .mean ? [] : [.normalize]
            outputWidth = hiddenSize
            return
        }
        let pooling = try Self.pooling(outline, following.first, folder, hiddenSize)
        var width = hiddenSize * pooling.modes.count
        var steps: [Step] = []
        let before = outline.countBeforeFollowing
        for (index, module) in following.enumerated() where module.kind != .pooling || index > 0 {
            guard
                let step = try Self.step(
                    module, at: (outline.origin, "\(outline.list)[\(index + before)].type"),
                    folder: folder, width: &width)
            else { continue }
            steps.append(step)
        }
        self.pooling = pooling
        self.steps = steps
        outputWidth = width
    }

    /// What is left to do behind a Router at `path`, whose routes end with the text's vector: nothing.
    init(_ router: RouterDescription, at path: String) {
        inputPath = path
        modulePaths = router.modulePaths
        pooling = PoolingConfiguration(modes: [.mean])
        steps = []
        outputWidth = router.routes.first?.model.pipeline.outputWidth ?? 1
    }

    /// What becomes of the token vectors; a StaticEmbedding's text has their mean by itself.
    private static func pooling(
        _ outline: Outline, _ first: Module?, _ folder: ModelFolder,
        _ hiddenSize: Int
    ) throws(ModelError) -> PoolingConfiguration {
        if outline.kind == .staticEmbedding, first?.kind != .pooling {
            return PoolingConfiguration(modes: [.mean])
        }
        guard let first, first.kind == .pooling, outline.kind != .staticEmbedding else {
            throw .unsupported(
                file: outline.origin,
                field: "\(outline.list)[\(outline.countBeforeFollowing)].type",
                value: first?.kind.rawValue ?? "the end of the list",
                supported: outline.kind == .staticEmbedding
                    ? Kind.steps.map(\.rawValue) : [Kind.pooling.rawValue])
        }
        return try PoolingConfiguration(
            ConfigurationFile(path: folder.file("config.json", in: first.path)),
            dimension: hiddenSize)
    }

    /// The step that a module is; nil for one that does nothing at inference.
    private static func step(
        _ module: Module, at place: (file: String, field: String), folder: ModelFolder,
        width: inout Int
    ) throws(ModelError) -> Step? {
        let (kind, path) = (module.kind, module.path)
        switch kind {
        case .dense:
            let file = try ConfigurationFile(path: folder.file("config.json", in: path))
            let dense = try DenseConfiguration(file, path: path, width: width)
            width = dense.outputWidth
            return .dense(dense)
        case .normalize:
            let path = folder.file("config.json", in: path)
            if let file = try ConfigurationFile.ifPresent(path: path) {
                try requireSentenceEmbedding(file)
            }
            return .normalize
        case .layerNorm:
            let file = try ConfigurationFile(path: folder.file("config.json", in: path))
            let stated = try file.requiredInteger(
                "dimension", in: 1...ModelConfiguration.Limit.width)
            guard stated == width else {
                throw .inconsistent(
                    file: file.path, field: "dimension",
                    reason: "\(stated) here, but \(width) come in")
            }
            return .layerNorm(path: path, width: width)
        case .dropout:
            return nil
        case .transformer, .pooling, .staticEmbedding, .wordEmbeddings, .wordWeights, .router,
            .asym:
            throw .unsupported(
                file: place.file, field: place.field, value: kind.rawValue,
                supported: Kind.steps.map(\.rawValue))
        }
    }

    /// Checks that a module works on the text's vector, not on the tokens'.
    static func requireSentenceEmbedding(_ file: ConfigurationFile) throws(ModelError) {
        for key in ["module_input_name", "module_output_name"] {
            if let name = try file.text(key), name != "sentence_embedding" {
                throw file.unsupported(key, name, supported: ["sentence_embedding"])
            }
        }
    }
}

/// The `config.json` of a Dense module.
package struct DenseConfiguration: Equatable, Sendable {
    /// The module's folder, with its `model.safetensors`.
    package let path: String
    package let inputWidth: Int
    package let outputWidth: Int
    package let hasBias: Bool
    package let activation: DenseActivation
    /// Whether the input is added to the output, projected when the widths differ.
    package let hasResidual: Bool

    /// - Parameter width: the width of the vector that comes in.
    /// - Throws: ``ModelError``.
    init(_ file: ConfigurationFile, path: String, width: Int) throws(ModelError) {
        let limit = 1...ModelConfiguration.Limit.width
        self.path = path
        inputWidth = try file.requiredInteger("in_features", in: limit)
        outputWidth = try file.requiredInteger("out_features", in: limit)
        hasBias = try file.flag("bias") ?? true
        activation = try DenseActivation(file)
        hasResidual = try file.flag("use_residual") ?? false
        try ModulePipeline.requireSentenceEmbedding(file)
        guard inputWidth == width else {
            throw .inconsistent(
                file: file.path, field: "in_features",
                reason: "\(inputWidth) here, but \(width) come in")
        }
    }
}
