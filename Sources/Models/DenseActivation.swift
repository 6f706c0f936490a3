import Glibc
import Kernels

/// The activation of a Dense module, by its class in `torch.nn`.
///
/// The reference makes any class whose constructor needs no arguments. Here are all of those but PReLU,
/// which has weights of its own, and GLU, whose vectors are half as long.
package enum DenseActivation: String, CaseIterable, Sendable {
    case identity = "Identity"
    case tanh = "Tanh"
    case relu = "ReLU"
    case gelu = "GELU"
    case silu = "SiLU"
    case sigmoid = "Sigmoid"
    case elu = "ELU"
    case celu = "CELU"
    case selu = "SELU"
    case leakyReLU = "LeakyReLU"
    case randomizedReLU = "RReLU"
    case relu6 = "ReLU6"
    case hardTanh = "Hardtanh"
    case hardSigmoid = "Hardsigmoid"
    case hardSwish = "Hardswish"
    case hardShrink = "Hardshrink"
    case softShrink = "Softshrink"
    case tanhShrink = "Tanhshrink"
    case softPlus = "Softplus"
    case softSign = "Softsign"
    case logSigmoid = "LogSigmoid"
    case mish = "Mish"
    case softmax = "Softmax"
    case softmin = "Softmin"
    case logSoftmax = "LogSoftmax"

    /// The class at the end of `activation_function`'s dotted path; Tanh when there is no path.
    ///
    /// A path outside `torch.` means Tanh, for the reference does not load foreign code either.
    ///
    /// - Throws: `ModelError.unsupported`, `.malformed`.
    init(_ file: ConfigurationFile) throws(ModelError) {
        let key = "activation_function"
        guard let path = try file.text(key), path.hasPrefix("torch.") else {
            self = .tanh
            return
        }
        guard let known = Self(rawValue: path.split(separator: ".").last.map(String.init) ?? path)
        else { throw file.unsupported(key, path, supported: Self.allCases.map(\.rawValue)) }
        self = known
    }

    /// What the kernels apply to a product; nil where they have no such function.
    package var kernel: Activation? {
        switch self {
        case .identity: .identity
        case .tanh: .tanh
        case .relu: .relu
        case .gelu: .gelu
        case .silu: .silu
        case .sigmoid: .sigmoid
        default: nil
        }
    }

    /// Applies a function that the kernels have not to a text's vector, with PyTorch's parameters.
    package func apply(to vector: UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .softmax, .softmin, .logSoftmax:
            let sign: Float = self == .softmin ? -1 : 1
            let largest = vector.lazy.map { sign * $0 }.max() ?? 0
            let sum = vector.reduce(0.0) { $0 + exp(Double(sign * $1 - largest)) }
            for index in vector.indices {
                let logarithm = Double(sign * vector[index] - largest) - log(sum)
                vector[index] = Float(self == .logSoftmax ? logarithm : exp(logarithm))
            }
        default:
            for index in vector.indices { vector[index] = Float(value(Double(vector[index]))) }
        }
    }

    /// The functions of one number; the identity for all others.
    private func value(_ x: Double) -> Double {
        switch self {
        case .elu, .celu: x > 0 ? x : expm1(x)
        case .selu: 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))
        case .leakyReLU: x > 0 ? x : 0.01 * x
        // In use the slope is the middle of those that training draws from.
        case .randomizedReLU: x > 0 ? x : (1.0 / 8 + 1.0 / 3) / 2 * x
        case .relu6: min(max(x, 0), 6)
        case .hardTanh: min(max(x, -1), 1)
        case .hardSigmoid: min(max(x + 3, 0), 6) / 6
        case .hardSwish: x * min(max(x + 3, 0), 6) / 6
        case .hardShrink: abs(x) > 0.5 ? x : 0
        case .softShrink: x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0
        case .tanhShrink: x - Glibc.tanh(x)
        case .softPlus: Self.softPlus(x)
        case .softSign: x / (1 + abs(x))
        case .logSigmoid: -Self.softPlus(-x)
        case .mish: x * Glibc.tanh(Self.softPlus(x))
        default: x
        }
    }

    private static func softPlus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
