/// A family of transformers: how its `config.json` is read and what its tensors are called.
///
/// One file beside this one describes each family; adding a family is adding such a file and its
/// name to `all`.
struct ModelFamily: Sendable {
    /// The values of `model_type` that name it.
    let modelTypes: [String]
    /// What stands before the tensors' names in checkpoints of a model with a head.
    let prefixes: [String]
    /// Reads the configuration and refuses the variants that are not implemented.
    let configuration: @Sendable (ConfigurationFile) throws(ModelError) -> ModelConfiguration
    /// The switches and tensor names with which the encoder computes it.
    let encoder: @Sendable (ModelConfiguration) -> EncoderConfiguration

    /// Whether a file with one of the `modelTypes` is of this family; nil when all are.
    let isMeant: (@Sendable (ConfigurationFile) throws(ModelError) -> Bool)?

    init(
        modelTypes: [String], prefixes: [String],
        configuration:
            @escaping @Sendable (ConfigurationFile) throws(ModelError) -> ModelConfiguration,
        encoder: @escaping @Sendable (ModelConfiguration) -> EncoderConfiguration
    ) {
        self.modelTypes = modelTypes
        self.prefixes = prefixes
        self.configuration = configuration
        self.encoder = encoder
        isMeant = nil
    }

    /// A family whose `reading` of the file gives the encoder, too.
    init(
        modelTypes: [String], prefixes: [String],
        isMeant: (@Sendable (ConfigurationFile) throws(ModelError) -> Bool)? = nil,
        reading: @escaping @Sendable (ConfigurationFile) throws(ModelError) -> ModelConfiguration
    ) {
        self.modelTypes = modelTypes
        self.prefixes = prefixes
        self.isMeant = isMeant
        configuration = reading
        encoder = { $0.encoder ?? EncoderConfiguration($0) }
    }

    /// Of those that share a `model_type`, the one that is told by more than that comes first.
    static let all: [ModelFamily] = [
        .jinaBert, .bert, .roberta, .distilBert, .mpnet, .electra, .albert, .debertaV2, .t5,
        .longformer, .bigBird,
        .modernBert, .nomicBert, .gte, .euroBert, .llama, .mistral, .qwen2, .qwen3, .gemma3,
    ]

    /// The family that a `config.json` names.
    ///
    /// - Throws: `ModelError.unsupported` with the list of those that are known.
    static func named(in file: ConfigurationFile) throws(ModelError) -> ModelFamily {
        let type = try file.requiredText("model_type")
        for family in all where family.modelTypes.contains(type) {
            if try family.isMeant?(file) ?? true { return family }
        }
        let known = all.filter { $0.isMeant == nil }.flatMap(\.modelTypes)
        throw file.unsupported("model_type", type, supported: known)
    }
}
