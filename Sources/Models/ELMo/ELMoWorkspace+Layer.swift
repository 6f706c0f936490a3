import Kernels

extension ELMoWorkspace {
    /// Rows whose products with the input's weights are computed together.
    private static let blockRows = 64

    /// One direction of a layer over all texts: `[words, width]`.
    func run(
        _ cell: ELMo.Cell, over input: FloatMatrix, backwards: Bool, hasSkip: Bool
    ) -> FloatMatrix {
        let width = model.configuration.width
        let output = FloatMatrix(rows: words.count, columns: width)
        // Longest first, so that the texts that are not over are always the first ones.
        let order = texts.indices.sorted {
            (texts[$0].count, $1) > (texts[$1].count, $0)
        }
        let ranges = order.map { texts[$0] }
        var steps = ELMoSteps(model, cell, texts: ranges.count)
        let last = ranges.first?.count ?? 0
        var step = 0
        while step < last {
            // As many steps as fill a block; the row of each step and text still running.
            var places: [[Int]] = []
            var count = 0
            repeat {
                let current = step + places.count
                let running = ranges.prefix { $0.count > current }
                places.append(
                    running.map {
                        backwards ? $0.upperBound - 1 - current : $0.lowerBound + current
                    })
                count += running.count
            } while step + places.count < last && count < Self.blockRows
            steps.project(places.flatMap { $0 }, of: input)
            var row = 0
            for rows in places {
                steps.advance(rows.count, firstRow: row)
                for (text, place) in rows.enumerated() {
                    let (target, state) = (output.row(place), steps.state.row(text))
                    let source = input.row(place)
                    for column in 0..<width {
                        target[column] = state[column] + (hasSkip ? source[column] : 0)
                    }
                }
                row += rows.count
            }
            step += places.count
        }
        return output
    }
}

/// The states of texts that run through one cell side by side.
private struct ELMoSteps {
    private let model: ELMo
    private let cell: ELMo.Cell
    /// What each text's last step gave: `[texts, width]`.
    let state: FloatMatrix
    /// What it remembers: `[texts, cellWidth]`.
    private let memory: FloatMatrix
    private let candidate: FloatMatrix
    /// Of the steps of a block: `[rows, 4 * cellWidth]`.
    private var gates = FloatMatrix(columns: 0)

    init(_ model: ELMo, _ cell: ELMo.Cell, texts: Int) {
        self.model = model
        self.cell = cell
        let configuration = model.configuration
        state = FloatMatrix(rows: texts, columns: configuration.width)
        memory = FloatMatrix(rows: texts, columns: configuration.cellWidth)
        candidate = FloatMatrix(rows: texts, columns: configuration.cellWidth)
        state.rows.base.update(repeating: 0, count: texts * configuration.width)
        memory.rows.base.update(repeating: 0, count: texts * configuration.cellWidth)
    }

    /// The input's part of the gates for these rows of the input.
    mutating func project(_ places: [Int], of input: FloatMatrix) {
        let (width, cells) = (model.configuration.width, model.configuration.cellWidth)
        let rows = FloatMatrix(rows: places.count, columns: width)
        for (row, place) in places.enumerated() {
            rows.row(row).update(from: input.row(place), count: width)
        }
        if gates.rows.count < places.count {
            gates = FloatMatrix(rows: places.count, columns: 4 * cells)
        }
        model.kernels.apply(
            cell.input, to: rows.rows, into: gates.rows.rows(from: 0, count: places.count))
        extendLifetime(rows)
    }

    /// One step of the first `count` texts, whose gates begin at `firstRow`.
    func advance(_ count: Int, firstRow: Int) {
        let (configuration, kernels) = (model.configuration, model.kernels)
        let cells = configuration.cellWidth
        let rows = gates.rows.rows(from: firstRow, count: count)
        let states = state.rows.rows(from: 0, count: count)
        kernels.apply(cell.state, to: states, residual: rows, into: rows)
        for text in 0..<count {
            let gate = rows.base + text * rows.stride
            kernels.activate(gate, count: 2 * cells, .sigmoid)
            kernels.activate(gate + 2 * cells, count: cells, .tanh)
            kernels.activate(gate + 3 * cells, count: cells, .sigmoid)
            let (remembered, shown) = (memory.row(text), candidate.row(text))
            let clip = configuration.cellClip
            for column in 0..<cells {
                let sum =
                    gate[column] * gate[2 * cells + column]
                    + gate[cells + column] * remembered[column]
                remembered[column] = min(max(sum, -clip), clip)
                shown[column] = remembered[column]
            }
            kernels.activate(shown, count: cells, .tanh)
            for column in 0..<cells { shown[column] *= gate[3 * cells + column] }
        }
        kernels.apply(
            cell.projection, to: candidate.rows.rows(from: 0, count: count), into: states)
        let clip = configuration.projectionClip
        for index in 0..<count * configuration.width {
            states.base[index] = min(max(states.base[index], -clip), clip)
        }
    }
}
