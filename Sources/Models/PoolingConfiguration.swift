/// The `1_Pooling/config.json` of a folder.
package struct PoolingConfiguration: Equatable, Sendable {
    /// How the vectors of a text's tokens become one vector.
    ///
    /// The names are those of sentence-transformers' `Pooling`.
    package enum Mode: String, CaseIterable, Sendable {
        /// The vector of the first token.
        case cls
        /// The largest value of each component.
        case max
        /// The mean over the tokens.
        case mean
        /// The sum over the tokens, divided by the square root of their number.
        case meanSquareRootLength = "mean_sqrt_len_tokens"
        /// The mean with weight i for the i-th token, counted from one.
        case weightedMean = "weightedmean"
        /// The vector of the last token.
        case lastToken = "lasttoken"
    }

    /// The modes whose vectors are concatenated, in this order; at least one.
    package var modes: [Mode]
    /// Whether a prompt's tokens are pooled like the text's.
    package var includesPrompt = true

    package init(modes: [Mode], includesPrompt: Bool = true) {
        self.modes = modes
        self.includesPrompt = includesPrompt
    }

    /// Reads the old spelling (one boolean a mode) and the new one (`pooling_mode`).
    ///
    /// - Parameter dimension: the width of the token vectors, which the file must repeat.
    /// - Throws: ``ModelError``.
    init(_ file: ConfigurationFile, dimension: Int) throws(ModelError) {
        let key =
            file["embedding_dimension"] == nil ? "word_embedding_dimension" : "embedding_dimension"
        let stated = try file.requiredInteger(key, in: 1...ModelConfiguration.Limit.width)
        guard stated == dimension else {
            throw .inconsistent(
                file: file.path, field: file.name(key),
                reason: "\(stated) here, but the model's token vectors have \(dimension)")
        }
        self.init(
            modes: try Self.modes(file), includesPrompt: try file.flag("include_prompt") ?? true)
    }

    private static func modes(_ file: ConfigurationFile) throws(ModelError) -> [Mode] {
        if let names = try file.texts("pooling_mode") {
            guard !names.isEmpty else {
                throw .malformed(
                    file: file.path, field: file.name("pooling_mode"), reason: "is empty")
            }
            var modes: [Mode] = []
            for name in names {
                guard let mode = Mode(rawValue: name) else {
                    throw file.unsupported(
                        "pooling_mode", name, supported: Mode.allCases.map(\.rawValue))
                }
                modes.append(mode)
            }
            return modes
        }
        var modes: [Mode] = []
        for (key, mode) in legacyKeys where try file.flag(key) == true {
            modes.append(mode)
        }
        try rejectUnknownMode(file)
        return modes.isEmpty ? [.mean] : modes
    }

    /// The booleans of the old spelling, in the order in which their vectors are concatenated.
    private static let legacyKeys: [(key: String, mode: Mode)] = [
        ("pooling_mode_cls_token", .cls),
        ("pooling_mode_max_tokens", .max),
        ("pooling_mode_mean_tokens", .mean),
        ("pooling_mode_mean_sqrt_len_tokens", .meanSquareRootLength),
        ("pooling_mode_weightedmean_tokens", .weightedMean),
        ("pooling_mode_lasttoken", .lastToken),
    ]

    /// A mode that is switched on and unknown here must not be passed over in silence.
    private static func rejectUnknownMode(_ file: ConfigurationFile) throws(ModelError) {
        for key in file.keys where key.hasPrefix("pooling_mode_") {
            let isKnown = legacyKeys.contains { $0.key == key }
            if !isKnown, try file.flag(key) == true {
                throw file.unsupported(key, "true", supported: legacyKeys.map(\.key))
            }
        }
    }
}
