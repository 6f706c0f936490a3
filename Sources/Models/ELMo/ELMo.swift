import Kernels

/// ELMo: words from characters by convolution and highways, then two language models over the words,
/// one from each end (Peters et al., arXiv 1802.05365).
///
/// It reads words as bytes (`WordBytes` of the tokenizers), and a word has one vector. All its products
/// are in float32. A text starts from a state of zeros: the published code carries its state from one
/// batch to the next, so that a vector depends on what was computed before it.
package final class ELMo: Backbone {
    let configuration: ELMoConfiguration
    package let kernels: Kernels
    /// `[characters, characterWidth]`.
    let characters: [Float]
    /// One for each kind of filter: `[count, width * characterWidth]`.
    let filters: [PackedWeights]
    let highways: [Highway]
    /// `[width, filterCount]`.
    let projection: PackedWeights
    /// By layer; from the first word on, and from the last.
    let cells: [(forward: Cell, backward: Cell)]

    /// `share * relu(new) + (1 - share) * x`.
    struct Highway: Sendable {
        let new: PackedWeights
        let share: PackedWeights
    }

    /// An LSTM whose output is projected; the gates are input, forget, cell and output.
    struct Cell: Sendable {
        /// `[4 * cellWidth, width]`, with the bias.
        let input: PackedWeights
        /// `[4 * cellWidth, width]`.
        let state: PackedWeights
        /// `[width, cellWidth]`.
        let projection: PackedWeights
    }

    package var width: Int { 2 * configuration.width }
    package var layerCount: Int { 1 + configuration.layerCount }
    package var isContextual: Bool { true }
    package var wordEndID: Int32? { ELMoConfiguration.Character.wordEnd }
    package var type: NumericType { .float32 }

    package var weightBytes: Int {
        let matrices =
            filters + highways.flatMap { [$0.new, $0.share] } + [projection]
            + cells.flatMap { [$0.forward, $0.backward] }.flatMap {
                [$0.input, $0.state, $0.projection]
            }
        return matrices.reduce(characters.count * 4) { $0 + $1.byteCount }
    }

    /// - Throws: ``ModelError`` for tensors that are missing or have other shapes.
    init(
        _ configuration: ELMoConfiguration, source: some TensorSource, kernels: Kernels
    ) throws(ModelError) {
        self.configuration = configuration
        self.kernels = kernels
        let characterWidth = configuration.characterWidth
        characters = try source.tensor(
            named: "characters.weight",
            shape: [ELMoConfiguration.Character.count, characterWidth]
        ).floats()
        var filters: [PackedWeights] = []
        for (index, filter) in configuration.filters.enumerated() {
            let name = "convolution.\(index)"
            filters.append(
                try source.matrix(
                    name + ".weight", outputs: filter.count,
                    inputs: filter.width * characterWidth, bias: name + ".bias"))
        }
        self.filters = filters
        let count = configuration.filterCount
        var highways: [Highway] = []
        for index in 0..<configuration.highwayCount {
            let names = ["transform", "carry"].map { "highway.\(index).\($0)" }
            highways.append(
                Highway(
                    new: try source.matrix(
                        names[0] + ".weight", outputs: count, inputs: count,
                        bias: names[0] + ".bias"),
                    share: try source.matrix(
                        names[1] + ".weight", outputs: count, inputs: count,
                        bias: names[1] + ".bias")))
        }
        self.highways = highways
        projection = try source.matrix(
            "projection.weight", outputs: configuration.width, inputs: count,
            bias: "projection.bias")
        var cells: [(forward: Cell, backward: Cell)] = []
        for layer in 0..<configuration.layerCount {
            cells.append(
                (
                    forward: try Cell("forward.\(layer)", configuration, source),
                    backward: try Cell("backward.\(layer)", configuration, source)
                ))
        }
        self.cells = cells
    }

    package func makeBackboneWorkspace(
        tokensMaximum: Int, team: Team?
    ) -> any BackboneWorkspace {
        ELMoWorkspace(self)
    }
}

extension ELMo.Cell {
    fileprivate init(
        _ name: String, _ configuration: ELMoConfiguration, _ source: some TensorSource
    ) throws(ModelError) {
        let (width, cells) = (configuration.width, configuration.cellWidth)
        input = try source.matrix(
            name + ".input.weight", outputs: 4 * cells, inputs: width, bias: name + ".input.bias")
        state = try source.matrix(name + ".state.weight", outputs: 4 * cells, inputs: width)
        projection = try source.matrix(name + ".projection.weight", outputs: width, inputs: cells)
    }
}
