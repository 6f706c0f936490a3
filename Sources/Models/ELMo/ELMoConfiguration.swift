import Glibc
import Kernels

/// The `config.json` of a folder that `scripts/convert/elmo.py` made of ELMo's weights.
///
/// The model is Peters et al., "Deep contextualized word representations" (arXiv 1802.05365).
package struct ELMoConfiguration: Equatable, Sendable {
    static let modelType = "elmo"

    /// The characters that a filter sees, and how many filters see as many.
    struct Filter: Equatable, Sendable {
        let width: Int
        let count: Int
    }

    /// The ids of a sentence's and a word's ends; those below 256 are bytes.
    enum Character {
        static let sentenceBegin: Int32 = 256
        static let sentenceEnd: Int32 = 257
        static let wordBegin: Int32 = 258
        static let wordEnd: Int32 = 259
        static let padding: Int32 = 260
        static let count = 261
    }

    let file: String
    /// Components of a direction's output; a token's vector has twice as many.
    let width: Int
    let cellWidth: Int
    let layerCount: Int
    let cellClip: Float
    let projectionClip: Float
    let hasSkips: Bool
    let characterWidth: Int
    let filters: [Filter]
    let highwayCount: Int
    let activation: Activation
    /// A word's characters, its begin and end among them; shorter ones are padded.
    let wordLength: Int
    /// What each layer's output is multiplied by, the word's own first: softmax and gamma applied.
    let mix: [Float]

    var filterCount: Int { filters.reduce(0) { $0 + $1.count } }

    /// - Throws: ``ModelError``.
    init(_ file: ConfigurationFile) throws(ModelError) {
        let limit = 1...ModelConfiguration.Limit.width
        self.file = file.path
        width = try file.requiredInteger("hidden_size", in: limit)
        cellWidth = try file.requiredInteger("cell_size", in: limit)
        layerCount = try file.requiredInteger(
            "num_hidden_layers", in: 1...ModelConfiguration.Limit.layers)
        // Large enough for no clipping, and finite.
        cellClip = Float(try file.number("cell_clip", in: 0...1e30) ?? 1e30)
        projectionClip = Float(try file.number("projection_clip", in: 0...1e30) ?? 1e30)
        hasSkips = try file.flag("skip_connections") ?? true
        characterWidth = try file.requiredInteger("character_size", in: limit)
        highwayCount = try file.requiredInteger("highways", in: 0...100)
        wordLength = try file.requiredInteger("max_characters_per_token", in: 3...1000)
        activation = try Self.activation(file)
        filters = try Self.filters(file, upTo: wordLength)
        mix = try Self.mix(file, count: layerCount + 1)
    }

    private static func activation(_ file: ConfigurationFile) throws(ModelError) -> Activation {
        let name = try file.requiredText("activation")
        switch name {
        case "relu": return .relu
        case "tanh": return .tanh
        default: throw file.unsupported("activation", name, supported: ["relu", "tanh"])
        }
    }

    private static func filters(
        _ file: ConfigurationFile, upTo length: Int
    ) throws(ModelError) -> [Filter] {
        var filters: [Filter] = []
        for element in file["filters"]?.array ?? [] {
            guard let pair = element.array, pair.count == 2, let width = pair[0].int,
                let count = pair[1].int, (1...length).contains(width),
                (1...ModelConfiguration.Limit.width).contains(count)
            else {
                throw .malformed(
                    file: file.path, field: "filters",
                    reason: "must be pairs of a width up to \(length) and a count")
            }
            filters.append(Filter(width: width, count: count))
        }
        guard !filters.isEmpty else { throw file.missing("filters") }
        return filters
    }

    private static func mix(
        _ file: ConfigurationFile, count: Int
    ) throws(ModelError) -> [Float] {
        let stated = file["layer_weights"]?.array
        let weights = stated?.compactMap(\.double) ?? Array(repeating: 0, count: count)
        guard weights.count == count, weights.count == stated?.count ?? count,
            weights.allSatisfy({ abs($0) < 100 })
        else {
            throw .malformed(
                file: file.path, field: "layer_weights",
                reason: "must be \(count) numbers below 100")
        }
        let gamma = try file.number("gamma", in: -1e6...1e6) ?? 1
        let powers = weights.map { exp($0) }
        let sum = powers.reduce(0, +)
        return powers.map { Float(gamma * $0 / sum) }
    }
}
