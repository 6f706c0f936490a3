/// An activation between two layers, independent of the many names that it has in files.
package enum ActivationFunction: String, Sendable {
    case identity
    /// x·Φ(x) with the error function.
    case gelu
    /// 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
    case geluTanh
    case relu
    /// x·σ(x).
    case silu
    case tanh
    case sigmoid

    /// The names of `hidden_act` in a transformer's configuration.
    private static let hiddenNames: [(String, ActivationFunction)] = [
        ("gelu", .gelu), ("gelu_python", .gelu),
        ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh),
        ("gelu_python_tanh", .geluTanh), ("gelu_accurate", .geluTanh),
        ("relu", .relu), ("silu", .silu), ("swish", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ]

    /// The classes of `activation_function` in a Dense module's configuration.
    private static let moduleNames: [(String, ActivationFunction)] = [
        ("Identity", .identity), ("Tanh", .tanh), ("ReLU", .relu), ("GELU", .gelu),
        ("SiLU", .silu), ("Sigmoid", .sigmoid),
    ]

    /// The activation of a transformer's feed-forward layers, as `key` names it.
    ///
    /// - Throws: `ModelError.unsupported`, `.malformed`.
    init(
        hidden key: String, of file: ConfigurationFile, default fallback: ActivationFunction
    ) throws(ModelError) {
        guard let name = try file.text(key) else {
            self = fallback
            return
        }
        guard let known = Self.hiddenNames.first(where: { $0.0 == name }) else {
            throw file.unsupported(key, name, supported: Self.hiddenNames.map(\.0))
        }
        self = known.1
    }

    /// The activation of a Dense module: the last component of a dotted path, Tanh when absent.
    ///
    /// A path outside `torch.` means Tanh, for the reference does not load foreign code either.
    ///
    /// - Throws: `ModelError.unsupported`, `.malformed`.
    init(denseModule file: ConfigurationFile) throws(ModelError) {
        let key = "activation_function"
        guard let path = try file.text(key), path.hasPrefix("torch.") else {
            self = .tanh
            return
        }
        let name = path.split(separator: ".").last.map(String.init) ?? path
        guard let known = Self.moduleNames.first(where: { $0.0 == name }) else {
            throw file.unsupported(key, path, supported: Self.moduleNames.map(\.0))
        }
        self = known.1
    }
}
