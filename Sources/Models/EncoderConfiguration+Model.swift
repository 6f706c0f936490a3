import Kernels

extension EncoderConfiguration {
    /// The encoder of a checked `config.json` of BERT's line.
    package init(_ model: ModelConfiguration, positionOffset: Int = 0) {
        self.init(
            vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize,
            layerCount: model.layerCount, headCount: model.headCount,
            intermediateSize: model.intermediateSize, activation: Activation(model.activation),
            normEpsilon: Float(model.layerNormEpsilon),
            positionCount: model.hasPositionTable ? model.positionCount ?? 0 : 0,
            positionOffset: positionOffset, typeCount: model.tokenTypeCount)
        headWidth = model.statedHeadWidth
    }
}

extension EncoderConfiguration {
    /// The encoder of a family without a table of positions: nothing but memory limits its texts.
    init(withoutTable model: ModelConfiguration) {
        self.init(model)
        positionCount = 0
    }
}

extension Activation {
    /// The kernels' name of an activation read from a file.
    package init(_ function: ActivationFunction) {
        self =
            switch function {
            case .identity: .identity
            case .gelu: .gelu
            case .geluTanh: .geluTanh
            case .relu: .relu
            case .silu: .silu
            case .tanh: .tanh
            case .sigmoid: .sigmoid
            case .quickGELU: .quickGELU
            }
    }
}
