import Kernels

extension ModelFamily {
    /// Longformer (Beltagy et al., 2020): RoBERTa with attention to near tokens.
    ///
    /// Half of a layer's window lies on either side of a token. Global attention belongs to heads for
    /// tasks and not to the model that gives vectors, so its weights are passed over.
    static let longformer = ModelFamily(
        modelTypes: ["longformer"],
        prefixes: ["longformer."],
        reading: { file throws(ModelError) in
            let model = try roberta.configuration(file)
            var encoder = roberta.encoder(model)
            let windows = try windows(file, layerCount: model.layerCount)
            for window in windows {
                let pattern = AttentionPattern(
                    window: AttentionWindow(behind: window / 2, ahead: window / 2))
                let known = encoder.patterns.firstIndex(of: pattern)
                encoder.patternOfLayer.append(known ?? encoder.patterns.count)
                if known == nil { encoder.patterns.append(pattern) }
            }
            return model.computed(by: encoder)
        })

    /// The window of each layer: one number for all, or one a layer; 512 when the file does not say.
    private static func windows(
        _ file: ConfigurationFile, layerCount: Int
    ) throws(ModelError) -> [Int] {
        let key = "attention_window"
        let range = 2...Double(ModelConfiguration.Limit.positions)
        guard let values = try file.numbers(key, in: range) else {
            return Array(repeating: 512, count: layerCount)
        }
        guard values.allSatisfy({ $0.truncatingRemainder(dividingBy: 2) == 0 }) else {
            throw .malformed(file: file.path, field: file.name(key), reason: "a window is even")
        }
        let windows = values.map { Int($0) }
        if windows.count == layerCount { return windows }
        guard let window = windows.first, windows.count == 1 else {
            throw .inconsistent(
                file: file.path, field: key,
                reason: "has \(windows.count) windows for \(layerCount) layers")
        }
        return Array(repeating: window, count: layerCount)
    }
}
