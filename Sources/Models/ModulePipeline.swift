import JSON
import Platform

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

    /// The modules of a folder, without the configurations behind them.
    struct Outline {
        /// The kind of the first module.
        var kind = Kind.transformer
        /// Its folder.
        var inputPath = ""
        /// The folder of a WordWeights module behind it.
        var wordWeightsPath: String?
        /// Kind and path of what follows these; nil without a `modules.json`.
        var following: [(kind: Kind, path: String)]?
        /// What follows the first module without a `modules.json`.
        var unlisted = Unlisted.mean
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

        /// Those that a list of modules may begin with.
        static let inputs = [Kind.transformer, staticEmbedding, wordEmbeddings]
        /// Those that may stand behind the text's vector.
        static let steps = [Kind.dense, normalize, layerNorm, dropout]
    }

    /// The pipeline whose first module gives token vectors of `hiddenSize` components.
    ///
    /// - Parameter architectures: those of config.json; without a `modules.json`, a causal language
    ///   model is pooled by its last token and everything else by the mean.
    /// - Throws: ``ModelError``.
    init(
        _ outline: Outline, folder: ModelFolder, hiddenSize: Int, architectures: [String]
    ) throws(ModelError) {
        inputPath = outline.inputPath
        modulePaths =
            (outline.following?.map(\.path) ?? [])
            + (outline.wordWeightsPath.map { [$0] } ?? [])
        guard let following = outline.following else {
            let isCausal = architectures.first?.hasSuffix("ForCausalLM") ?? false
            let mean = isCausal ? PoolingConfiguration.Mode.lastToken : .mean
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
                    module.kind, path: module.path, index: index + before, folder: folder,
                    width: &width)
            else { continue }
            steps.append(step)
        }
        self.pooling = pooling
        self.steps = steps
        outputWidth = width
    }

    /// What becomes of the token vectors; a StaticEmbedding's text has their mean by itself.
    private static func pooling(
        _ outline: Outline, _ first: (kind: Kind, path: String)?, _ folder: ModelFolder,
        _ hiddenSize: Int
    ) throws(ModelError) -> PoolingConfiguration {
        if outline.kind == .staticEmbedding, first?.kind != .pooling {
            return PoolingConfiguration(modes: [.mean])
        }
        guard let first, first.kind == .pooling, outline.kind != .staticEmbedding else {
            throw .unsupported(
                file: folder.file("modules.json"),
                field: "[\(outline.countBeforeFollowing)].type",
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
        _ kind: Kind, path: String, index: Int, folder: ModelFolder, width: inout Int
    ) throws(ModelError) -> Step? {
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
        case .transformer, .pooling, .staticEmbedding, .wordEmbeddings, .wordWeights:
            throw .unsupported(
                file: folder.file("modules.json"), field: "[\(index)].type", value: kind.rawValue,
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

extension ModulePipeline.Outline {
    /// Reads `modules.json`, or notes that there is none.
    ///
    /// - Throws: ``ModelError``.
    init(_ folder: ModelFolder) throws(ModelError) {
        let path = folder.file("modules.json")
        guard Files.exists(path) else {
            guard try TableLayout.isModel2Vec(folder) else { return }
            kind = .staticEmbedding
            let file = try ConfigurationFile.ifPresent(path: folder.file("config.json"))
            if try file?.flag("normalize") ?? false { unlisted = .normalizedMean }
            return
        }
        guard case .array(let modules) = try ConfigurationFile.value(path: path) else {
            throw .malformed(file: path, field: nil, reason: "an array of modules is expected")
        }
        var listed: [(kind: ModulePipeline.Kind, path: String)] = []
        for (index, value) in modules.enumerated() {
            listed.append(try Self.module(index, value, path: path))
        }
        guard let first = listed.first, ModulePipeline.Kind.inputs.contains(first.kind) else {
            throw .unsupported(
                file: path, field: "[0].type",
                value: listed.first?.kind.rawValue ?? "an empty list",
                supported: ModulePipeline.Kind.inputs.map(\.rawValue))
        }
        kind = first.kind
        inputPath = first.path
        if kind == .wordEmbeddings, listed.count > 1, listed[1].kind == .wordWeights {
            wordWeightsPath = listed[1].path
        }
        following = Array(listed.dropFirst(countBeforeFollowing))
    }

    /// The modules of the list that give token vectors.
    var countBeforeFollowing: Int { wordWeightsPath == nil ? 1 : 2 }

    private static func module(
        _ index: Int, _ value: JSONValue, path: String
    ) throws(ModelError) -> (kind: ModulePipeline.Kind, path: String) {
        let module = try ConfigurationFile(path: path, name: "[\(index)]", value: value)
        let type = try module.requiredText("type")
        let stated = try module.text("path") ?? ""
        // model2vec writes a dot for the folder itself.
        let modulePath = stated == "." ? "" : stated
        guard ModelFolder.isInside(modulePath) else {
            throw .malformed(
                file: path, field: module.name("path"),
                reason: "\(modulePath) is not a path inside the folder")
        }
        let supported = ModulePipeline.Kind.allCases.map(\.rawValue)
        // A class from elsewhere is code that came with the folder, and nothing here runs it.
        guard type.hasPrefix("sentence_transformers."),
            let kind = Self.kind(ofClass: type.split(separator: ".").last.map(String.init) ?? "")
        else { throw module.unsupported("type", type, supported: supported) }
        return (kind, modulePath)
    }

    private static func kind(ofClass name: String) -> ModulePipeline.Kind? {
        // The first releases had one class for each architecture.
        let legacyTransformers = [
            "BERT", "RoBERTa", "DistilBERT", "ALBERT", "CamemBERT", "XLMRoBERTa",
        ]
        return legacyTransformers.contains(name) ? .transformer : .init(rawValue: name)
    }
}

/// The `config.json` of a Dense module.
package struct DenseConfiguration: Equatable, Sendable {
    /// The module's folder, with its `model.safetensors`.
    package let path: String
    package let inputWidth: Int
    package let outputWidth: Int
    package let hasBias: Bool
    package let activation: ActivationFunction
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
        activation = try ActivationFunction(denseModule: file)
        hasResidual = try file.flag("use_residual") ?? false
        try ModulePipeline.requireSentenceEmbedding(file)
        guard inputWidth == width else {
            throw .inconsistent(
                file: file.path, field: "in_features",
                reason: "\(inputWidth) here, but \(width) come in")
        }
    }
}
