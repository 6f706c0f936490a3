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
    let family: ModelFamily

    /// Reads the configuration files of the folder at `path`.
    ///
    /// - Throws: ``ModelError``.
    package init(folder path: String) throws(ModelError) {
        folder = try ModelFolder(path: path)
        let outline = try ModulePipeline.Outline(folder)
        let file = try ConfigurationFile(
            path: folder.file("config.json", in: outline.transformerPath))
        family = try ModelFamily.named(in: file)
        configuration = try family.configuration(file)
        pipeline = try ModulePipeline(
            outline, folder: folder, hiddenSize: configuration.hiddenSize,
            architectures: configuration.architectures)
        settings = try PipelineSettings(folder, outputWidth: pipeline.outputWidth)
        sequenceLimit = try SequenceLimit(
            folder, module: pipeline.transformerPath, stated: configuration.positionCount,
            usable: family.encoder(configuration).lengthMaximum)
    }

    /// The width of the vectors that a caller gets.
    package var dimension: Int { settings.truncatedWidth ?? pipeline.outputWidth }

    /// The width of a pooled vector, before the other modules.
    var pooledWidth: Int { configuration.hiddenSize * pipeline.pooling.modes.count }

    /// The folder that holds the tokenizer's files: that of the Transformer module.
    package var tokenizerFolder: String {
        let module = pipeline.transformerPath
        return module.isEmpty ? folder.path : folder.path + "/" + module
    }

    /// The encoder that the configuration asks for.
    var encoderConfiguration: EncoderConfiguration {
        var encoder = family.encoder(configuration)
        // Tables by distance need not reach further than the longest text.
        encoder.lengthLimit = min(encoder.lengthLimit, sequenceLimit.tokens)
        return encoder
    }

    /// Opens the weights of the transformer, to be found by their canonical names.
    ///
    /// - Throws: ``ModelError``.
    package func weights() throws(ModelError) -> WeightFiles {
        try WeightFiles(folder, in: pipeline.transformerPath)
    }
}
