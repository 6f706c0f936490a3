import Glibc

extension RotaryPositions {
    /// What a configuration says when it does not.
    struct Defaults {
        var headSize: Int
        var base: Double
        /// `max_position_embeddings`, which some scalings start from.
        var positions: Int
    }

    private static let scalings = [
        "default", "linear", "dynamic", "ntk", "yarn", "llama3", "longrope",
    ]

    /// Reads `rope_parameters` of new files, or `rope_theta` and `rope_scaling` of old ones.
    ///
    /// - Parameter layerType: the key under which `rope_parameters` has those of some layers.
    /// - Throws: `ModelError`.
    init(
        _ file: ConfigurationFile, _ defaults: Defaults, layerType: String? = nil
    ) throws(ModelError) {
        var parameters = try file.nested("rope_parameters")
        if let layerType, let own = try parameters?.nested(layerType) { parameters = own }
        func number(_ key: String) throws(ModelError) -> Double? {
            if let own = try parameters?.number(key, in: 1e-6...1e12) { return own }
            return try file.number(key, in: 1e-6...1e12)
        }
        let share = try number("partial_rotary_factor") ?? 1
        let width = Int(Double(defaults.headSize) * share)
        guard width > 0, width % 2 == 0, width <= defaults.headSize else {
            throw file.unsupported(
                "partial_rotary_factor", "\(share)",
                supported: ["an even part of the head's \(defaults.headSize) columns"])
        }
        if parameters == nil { parameters = try file.nested("rope_scaling") }
        self.init(
            width: width, base: try number("rope_theta") ?? defaults.base,
            scaling: try Self.scaling(parameters, file, defaults, pairs: width / 2))
    }

    /// The scaling that `parameters` ask for.
    static func scaling(
        _ parameters: ConfigurationFile?, _ file: ConfigurationFile, _ defaults: Defaults,
        pairs: Int
    ) throws(ModelError) -> RotaryScaling {
        guard let parameters else { return .none }
        let key = parameters["rope_type"] == nil ? "type" : "rope_type"
        let kind = try parameters.text(key) ?? "default"
        if kind == "default" { return .none }
        func required(_ key: String) throws(ModelError) -> Double {
            guard let number = try parameters.number(key, in: 1e-6...1e9) else {
                throw parameters.missing(key)
            }
            return number
        }
        switch kind {
        case "linear": return .linear(factor: try required("factor"))
        case "dynamic":
            return .dynamic(factor: try required("factor"), positions: defaults.positions)
        case "ntk":
            guard parameters["mixed_b"] == nil else {
                throw parameters.unsupported("mixed_b", "a number", supported: ["null"])
            }
            return .ntk(factor: try required("factor"))
        case "yarn": return .yarn(try YarnScaling(parameters, positions: defaults.positions))
        case "llama3":
            return .llama3(
                Llama3Scaling(
                    factor: try required("factor"), lowFactor: try required("low_freq_factor"),
                    highFactor: try required("high_freq_factor"),
                    originalPositions: try required("original_max_position_embeddings")))
        case "longrope":
            return .longrope(
                try LongRopeScaling(parameters, file, positions: defaults.positions, pairs: pairs))
        default: throw parameters.unsupported(key, kind, supported: scalings)
        }
    }
}

extension LongRopeScaling {
    fileprivate init(
        _ parameters: ConfigurationFile, _ file: ConfigurationFile, positions: Int, pairs: Int
    ) throws(ModelError) {
        func factors(_ key: String) throws(ModelError) -> [Double] {
            guard let factors = try parameters.numbers(key, in: 1e-6...1e9) else {
                throw parameters.missing(key)
            }
            guard factors.count == pairs else {
                throw .inconsistent(
                    file: file.path, field: parameters.name(key),
                    reason: "has \(factors.count) factors, and \(pairs) pairs of columns rotate")
            }
            return factors
        }
        // Phi-3's files have it beside the parameters.
        let key = "original_max_position_embeddings"
        let range = 2...ModelConfiguration.Limit.positions
        var original = try parameters.integer(key, in: range)
        if original == nil { original = try file.integer(key, in: range) }
        let trained = original ?? positions
        self.init(
            short: try factors("short_factor"), long: try factors("long_factor"),
            originalPositions: trained,
            factor: try parameters.number("factor", in: 1e-6...1e9)
                ?? Double(positions) / Double(trained),
            magnitude: try parameters.number("attention_factor", in: 1e-6...1e9))
    }
}

extension YarnScaling {
    fileprivate init(_ parameters: ConfigurationFile, positions: Int) throws(ModelError) {
        func number(_ key: String) throws(ModelError) -> Double? {
            try parameters.number(key, in: 1e-6...1e9)
        }
        let original =
            try number("original_max_position_embeddings") ?? Double(positions)
        let factor = try number("factor") ?? Double(positions) / original
        var magnitude = try number("attention_factor")
        if magnitude == nil, let scale = try number("mscale"),
            let all = try number("mscale_all_dim")
        {
            func part(_ scale: Double) -> Double { factor > 1 ? 0.1 * scale * log(factor) + 1 : 1 }
            magnitude = part(scale) / part(all)
        }
        self.init(factor: factor, originalPositions: original, magnitude: magnitude)
        fast = try number("beta_fast") ?? fast
        slow = try number("beta_slow") ?? slow
        truncates = try parameters.flag("truncate") ?? true
    }
}
