import Platform

/// What a person wants to know about a folder before serving it; `lines` is what `inspect` prints.
package struct ModelSummary: Equatable, Sendable {
    /// The folder's own name.
    package let name: String
    /// The family, `bert` for example.
    package let architecture: String
    /// Layers, widths and activation, in words.
    package let size: String
    /// Which keys a token sees, and how positions are told, in words; nil without attention.
    package let attention: String?
    /// The number of floating-point weights in the transformer's files.
    package let parameterCount: Int
    /// The bytes of the transformer's weights in their files.
    package let weightBytes: Int
    /// How the weights are stored: `F32`, or several types with a comma between.
    package let storage: String
    /// The pooling modes and what comes after, in order.
    package let pipeline: [String]
    /// The width of the vectors.
    package let dimensions: Int
    /// The tokens that a text is cut to, and what sets this limit.
    package let limit: SequenceLimit
    /// The prompts that are not empty.
    package let prompts: [PipelineSettings.Prompt]
    package let defaultPromptName: String?
    package let similarity: String
    /// The entries at the top of the folder that are read, and those that are not.
    package let usedFiles: [String]
    package let ignoredFiles: [String]

    /// Reads the folder at `path`: configurations, and the table of contents of the weights.
    ///
    /// - Throws: ``ModelError``.
    package init(folder path: String) throws(ModelError) {
        let description = try ModelDescription(folder: path)
        let weights = try description.weights()
        if case .transformer = description.input { try Self.checkTypes(weights) }
        try self.init(description, weights: weights)
    }

    init(_ model: ModelDescription, weights: WeightFiles) throws(ModelError) {
        let configuration = model.configuration
        name = model.folder.name
        architecture = configuration.modelType
        size = model.sizeInWords
        attention =
            if case .transformer(let family) = model.input {
                model.encoderConfiguration(family).attentionSummary
            } else {
                nil
            }
        let (count, types) = try Self.count(weights)
        parameterCount = count
        storage = types
        weightBytes = weights.dataBytes
        pipeline =
            model.stepsInWords
            + (model.settings.truncatedWidth.map { ["cut to \($0)"] } ?? [])
        dimensions = model.dimension
        limit = model.sequenceLimit
        prompts = model.settings.prompts.filter { !$0.text.isEmpty }
        defaultPromptName = model.settings.defaultPromptName
        similarity = model.settings.similarity
        (usedFiles, ignoredFiles) = try Self.files(model, weights)
    }

    /// A name and a value on each line, the values one below the other.
    package var lines: [String] {
        var rows: [(String, String)] = [
            ("model", name),
            ("architecture", "\(architecture): \(size)"),
        ]
        if let attention { rows.append(("attention", attention)) }
        rows += [
            ("parameters", "\(parameterCount)"),
            ("weights", "\(storage), \(weightBytes / 1_000_000) MB"),
            ("pipeline", pipeline.joined(separator: ", ")),
            ("dimensions", "\(dimensions)"),
            ("max tokens", "\(limit.tokens) (\(limit.origin))"),
            ("similarity", similarity),
        ]
        for prompt in prompts {
            let isDefault = prompt.name == defaultPromptName
            rows.append(
                ("prompt", "\(prompt.name)\(isDefault ? " (default)" : ""): \(prompt.text)"))
        }
        rows.append(("files used", usedFiles.joined(separator: ", ")))
        if !ignoredFiles.isEmpty {
            rows.append(("files ignored", ignoredFiles.joined(separator: ", ")))
        }
        return rows.map { name, value in
            name + String(repeating: " ", count: max(1, 15 - name.count))
                + ModelError.printable(value)
        }
    }

    /// Finds what a transformer's matrices are stored in without reading them, as who loads them does.
    ///
    /// - Throws: `ModelError.unsupported` for a type that loading would refuse, such as those of
    ///   checkpoints that were quantized.
    private static func checkTypes(_ weights: WeightFiles) throws(ModelError) {
        for tensor in try weights.tensors()
        where tensor.shape.count == 2 && tensor.name.hasSuffix(".weight") {
            try tensor.requireFloats(weights.origin)
        }
    }

    private static func count(_ weights: WeightFiles) throws(ModelError) -> (Int, String) {
        var count = 0
        var types: [String] = []
        for tensor in try weights.tensors() {
            guard tensor.dtype.isNumber else { continue }
            count += tensor.count
            if !types.contains(tensor.dtype.rawValue) { types.append(tensor.dtype.rawValue) }
        }
        return (count, types.joined(separator: ", "))
    }

    private static func files(
        _ model: ModelDescription, _ weights: WeightFiles
    ) throws(ModelError) -> (used: [String], ignored: [String]) {
        let modules = ([model.pipeline.inputPath] + model.pipeline.modulePaths)
            .compactMap { $0.split(separator: "/").first.map(String.init) }
        let weightNames = weights.paths.compactMap { $0.split(separator: "/").last }.map(
            String.init)
        let read = [
            "modules.json", "config.json", RouterDescription.fileName,
            "config_sentence_transformers.json", "tokenizer.json",
            "tokenizer_config.json", "special_tokens_map.json",
            model.sequenceLimit.settingsFile ?? "",
        ]
        let used = Set(read + weightNames + modules)
        let entries = try model.folder.entries()
        return (entries.filter(used.contains), entries.filter { !used.contains($0) })
    }
}

extension ModulePipeline.Step {
    /// The step in words.
    fileprivate var summary: String {
        switch self {
        case .dense(let dense):
            let activation = dense.activation == .identity ? "" : " \(dense.activation)"
            return "dense \(dense.inputWidth) to \(dense.outputWidth)\(activation)"
        case .normalize: return "normalize"
        case .layerNorm: return "layer norm"
        }
    }
}

extension ModelDescription {
    /// Layers, widths and activation, in words.
    fileprivate var sizeInWords: String {
        let vocabulary = "vocabulary \(configuration.vocabularySize)"
        switch input {
        case .router(let router):
            return router.routes.map {
                "\($0.name): \($0.model.configuration.modelType), \($0.model.sizeInWords)"
            }.joined(separator: "; ")
        case .table(let layout):
            let weights = layout.weights ?? layout.wordWeightsPath
            return "a table of vectors without layers, width \(configuration.hiddenSize), "
                + vocabulary + (layout.mapping == nil ? "" : " mapped to fewer vectors")
                + (weights == nil ? "" : ", weights by token")
        case .elmo(let elmo):
            return "words from characters by \(elmo.filterCount) filters, "
                + "\(elmo.layerCount) layers each way of \(elmo.cellWidth) cells, "
                + "width \(configuration.hiddenSize); a token is a character"
        case .universalEncoder(let encoder):
            let orders = encoder.branches.map { "\($0.order)" }.joined(separator: ", ")
            return "convolutions over \(orders) tokens, width \(configuration.hiddenSize), "
                + vocabulary
        case .transformer:
            return "\(configuration.layerCount) layers, width \(configuration.hiddenSize), "
                + "\(configuration.headCount) heads of \(configuration.headWidth), "
                + "feed-forward \(configuration.intermediateSize) "
                + "(\(configuration.activation.rawValue)), " + vocabulary
        }
    }

    /// Pooling and what comes after, in words, for each route where there are several.
    fileprivate var stepsInWords: [String] {
        guard case .router(let router) = input else {
            return ["pooling by " + pipeline.pooling.modes.map(\.rawValue).joined(separator: " + ")]
                + pipeline.steps.map(\.summary)
        }
        let routes = router.routes.map {
            "\($0.name): " + $0.model.stepsInWords.joined(separator: ", ")
        }
        let stated = router.route(for: nil).map { "without a task: " + router.routes[$0].name }
        return [(routes + [stated ?? "a task has to be named"]).joined(separator: "; ")]
    }
}
