/// Where an encoder finds its weights, by the name that the reference gives them.
///
/// The names are canonical for the family (`encoder.layer.0.output.dense.weight`): prefixes,
/// legacy names and shards are the source's business.
package protocol TensorSource: Sendable {
    /// The file that an error about these tensors names.
    var origin: String { get }

    /// Whether a tensor of that name exists.
    func contains(_ name: String) -> Bool

    /// The tensor of that name.
    ///
    /// - Throws: `ModelError.missingTensor`.
    func tensor(named name: String) throws(ModelError) -> TensorView
}

extension TensorSource {
    /// The floating-point tensor of that name, after a check that it has the `shape` expected.
    ///
    /// - Throws: `ModelError.missingTensor`, `.inconsistent` when the shape differs, `.unsupported`
    ///   when the elements are not F32, F16 or BF16.
    package func tensor(named name: String, shape: [Int]) throws(ModelError) -> TensorView {
        let view = try tensor(named: name)
        guard view.shape == shape else {
            throw .inconsistent(
                file: origin, field: "tensor \(name)",
                reason: "shape \(view.shape) in the weights, \(shape) by the configuration")
        }
        try view.requireFloats(origin)
        return view
    }
}
