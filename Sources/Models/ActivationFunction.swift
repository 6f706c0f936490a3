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
    /// x·σ(1.702·x).
    case quickGELU

    /// The names of `hidden_act` in a transformer's configuration.
    private static let hiddenNames: [(String, ActivationFunction)] = [
        ("gelu", .gelu), ("gelu_python", .gelu),
        ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh),
        ("gelu_python_tanh", .geluTanh), ("gelu_accurate", .geluTanh),
        ("quick_gelu", .quickGELU),
        ("relu", .relu), ("silu", .silu), ("swish", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
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
}
