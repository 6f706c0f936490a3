import Kernels

extension EncoderConfiguration {
    /// Which keys a token sees and how positions are told, in words.
    var attentionSummary: String {
        var words: [String] = []
        if keyValueHeads != headCount { words.append("\(keyValueHeads) heads of keys and values") }
        words.append(isCausal ? "a token sees those before it" : "a token sees all others")
        for blocks in patterns.compactMap(\.blocks) {
            words.append(
                "by blocks of \(blocks.blockSize) where a text has more than "
                    + "\(blocks.fullLength) tokens")
        }
        for (index, pattern) in patterns.enumerated() {
            guard let window = pattern.window, let behind = window.behind else { continue }
            let layers = patternOfLayer.isEmpty ? layerCount : patternOfLayer.count { $0 == index }
            let reach = window.ahead == 0 ? "\(behind) back" : "\(behind) on each side"
            words.append("\(reach) in \(layers) of \(layerCount) layers")
        }
        return (words + [positionSummary]).joined(separator: ", ")
    }

    private var isCausal: Bool {
        !patterns.isEmpty && patterns.allSatisfy { $0.window?.ahead == 0 }
    }

    private var positionSummary: String {
        var bases: [String] = []
        for rotary in patterns.compactMap(\.rotary) {
            let base =
                rotary.scaling.name.map { "\(Int(rotary.base)) (\($0))" } ?? "\(Int(rotary.base))"
            if !bases.contains(base) { bases.append(base) }
        }
        if !bases.isEmpty { return "rotary positions, theta " + bases.joined(separator: " and ") }
        if hasLinearBias { return "linear biases by distance" }
        let learned = positionCount > 0 ? "learned positions" : "no table of positions"
        return relativePositions == nil ? learned : learned + " and biases by distance"
    }
}

extension RotaryScaling {
    /// What configurations call it; nil for none.
    fileprivate var name: String? {
        switch self {
        case .none: nil
        case .linear(let factor): "linear, \(factor) times"
        case .ntk(let factor): "ntk, \(factor) times"
        case .dynamic(let factor, let positions): "dynamic, \(factor) times from \(positions) on"
        case .yarn(let yarn): "yarn, \(yarn.factor) times"
        case .llama3(let bands): "llama3, \(bands.factor) times"
        case .longrope(let long): "longrope, other angles from \(long.originalPositions) on"
        }
    }
}
