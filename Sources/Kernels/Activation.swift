import CKernels

/// The function applied to a linear layer's output.
package enum Activation: String, Sendable {
    case identity
    /// `x (1 + erf(x / sqrt 2)) / 2`.
    case gelu
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    case geluTanh
    case relu
    case silu
    /// `x sigmoid(1.702 x)`.
    case quickGELU
    case tanh
    case sigmoid

    var code: ck_activation {
        switch self {
        case .identity: CK_IDENTITY
        case .gelu: CK_GELU
        case .geluTanh: CK_GELU_TANH
        case .relu: CK_RELU
        case .silu: CK_SILU
        case .quickGELU: CK_QUICK_GELU
        case .tanh: CK_TANH
        case .sigmoid: CK_SIGMOID
        }
    }
}
