import Kernels

extension ELMoWorkspace {
    /// Words that are computed together.
    private static let blockRows = 32

    /// The word vectors, from characters alone, as both directions' first input.
    func readWords() {
        let configuration = model.configuration
        let count = configuration.filterCount
        let found = FloatMatrix(rows: Self.blockRows, columns: count)
        let new = FloatMatrix(rows: Self.blockRows, columns: count)
        let share = FloatMatrix(rows: Self.blockRows, columns: count)
        let longest = configuration.wordLength + 1
        let windows = FloatMatrix(
            rows: longest,
            columns: configuration.characterWidth * (configuration.filters.map(\.width).max() ?? 1))
        let values = FloatMatrix(
            rows: longest, columns: configuration.filters.map(\.count).max() ?? 1)
        for first in stride(from: 0, to: words.count, by: Self.blockRows) {
            let block = first..<min(first + Self.blockRows, words.count)
            for row in block {
                convolve(words[row], windows, values, into: found.row(row - first))
            }
            let rows = found.rows.rows(from: 0, count: block.count)
            model.kernels.activate(
                rows.base, count: block.count * count, configuration.activation)
            for highway in model.highways {
                pass(highway, rows, new, share)
            }
            model.kernels.apply(model.projection, to: rows, into: forward.rows.rows(in: block))
        }
        backward.rows.base.update(
            from: forward.rows.base, count: words.count * configuration.width)
        // Rows do not keep their memory.
        for matrix in [found, new, share, windows, values] { extendLifetime(matrix) }
    }

    /// Each filter's largest value over a word's characters and the padding behind them.
    private func convolve(
        _ word: [Int32], _ windows: FloatMatrix, _ values: FloatMatrix,
        into target: UnsafeMutablePointer<Float>
    ) {
        let configuration = model.configuration
        let width = configuration.characterWidth
        var output = target
        for (filter, matrix) in zip(configuration.filters, model.filters) {
            // All windows that see nothing but padding are alike: the first of them is enough.
            let count = min(configuration.wordLength - filter.width, word.count) + 1
            let columns = filter.width * width
            for start in 0..<count {
                for place in 0..<filter.width {
                    let at = start + place
                    let id = at < word.count ? word[at] : ELMoConfiguration.Character.padding
                    copyCharacter(
                        id, to: windows.rows.base + start * columns + place * width)
                }
            }
            let input = Rows(windows.rows.base, count: count, stride: columns)
            let result = Rows(values.rows.base, count: count, stride: filter.count)
            model.kernels.apply(matrix, to: input, into: result)
            output.update(from: result.base, count: filter.count)
            for row in 1..<max(1, count) {
                let source = result.base + row * filter.count
                for column in 0..<filter.count where source[column] > output[column] {
                    output[column] = source[column]
                }
            }
            output += filter.count
        }
    }

    private func copyCharacter(_ id: Int32, to target: UnsafeMutablePointer<Float>) {
        let width = model.configuration.characterWidth
        let first = Int(id) * width
        for column in 0..<width { target[column] = model.characters[first + column] }
    }

    private func pass(
        _ highway: ELMo.Highway, _ rows: Rows<Float>, _ new: FloatMatrix, _ share: FloatMatrix
    ) {
        let newRows = new.rows.rows(from: 0, count: rows.count)
        let shareRows = share.rows.rows(from: 0, count: rows.count)
        model.kernels.apply(highway.new, to: rows, activation: .relu, into: newRows)
        model.kernels.apply(highway.share, to: rows, activation: .sigmoid, into: shareRows)
        for index in 0..<rows.count * rows.stride {
            let part = shareRows.base[index]
            rows.base[index] = part * newRows.base[index] + (1 - part) * rows.base[index]
        }
    }
}
