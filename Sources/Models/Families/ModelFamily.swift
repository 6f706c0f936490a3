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

    static let all: [ModelFamily] = [
        .bert, .roberta, .distilBert, .mpnet, .electra, .albert, .debertaV2, .t5,
    ]

    /// The family that a `config.json` names.
    ///
    /// - Throws: `ModelError.unsupported` with the list of those that are known.
    static func named(in file: ConfigurationFile) throws(ModelError) -> ModelFamily {
        let type = try file.requiredText("model_type")
        guard let family = all.first(where: { $0.modelTypes.contains(type) }) else {
            throw file.unsupported("model_type", type, supported: all.flatMap(\.modelTypes))
        }
        return family
    }
}
