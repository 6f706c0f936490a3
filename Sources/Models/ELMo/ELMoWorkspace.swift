import Kernels

/// ELMo at work on one thread.
///
/// Every word of the batch has a row, and so have the begin and the end of each text. Texts run side by
/// side, a step of each in one product; what a row gives does not depend on the others.
final class ELMoWorkspace: BackboneWorkspace {
    let model: ELMo
    var team: Team?
    private(set) var batch = PackedBatch()
    /// The ids of each row's characters, from its word's begin to its end, without padding.
    private(set) var words: [[Int32]] = []
    /// The rows of each text, its begin and end among them.
    private(set) var texts: [Range<Int>] = []
    /// What the next layer reads from the first word on: `[words, width]`.
    var forward = FloatMatrix(columns: 0)
    /// The same from the last word on, in the order of the text.
    var backward = FloatMatrix(columns: 0)
    /// The layers' weighted sum: `[words, 2 * width]`.
    private var mixed = FloatMatrix(columns: 0)

    init(_ model: ELMo) {
        self.model = model
    }

    func begin(_ batch: PackedBatch) throws(EncoderError) {
        let count = Int32(ELMoConfiguration.Character.count)
        for id in batch.tokenIDs where id < 0 || id >= count {
            throw .idOutOfRange(id: id, count: Int(count))
        }
        self.batch = batch
        words.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        for text in 0..<batch.count {
            let first = words.count
            words.append(Self.word([ELMoConfiguration.Character.sentenceBegin]))
            appendWords(batch.tokenIDs[batch.tokens(of: text)])
            words.append(Self.word([ELMoConfiguration.Character.sentenceEnd]))
            texts.append(first..<words.count)
        }
        let width = model.configuration.width
        forward = FloatMatrix(rows: words.count, columns: width)
        backward = FloatMatrix(rows: words.count, columns: width)
        mixed = FloatMatrix(rows: words.count, columns: 2 * width)
    }

    /// A word ends behind `wordEnd`, and the last one where the text does.
    private func appendWords(_ ids: ArraySlice<Int32>) {
        let end = ELMoConfiguration.Character.wordEnd
        for part in ids.split(separator: end, omittingEmptySubsequences: true) {
            words.append(Self.word(part.prefix(model.configuration.wordLength - 2)))
        }
    }

    private static func word(_ characters: some Sequence<Int32>) -> [Int32] {
        [ELMoConfiguration.Character.wordBegin] + characters
            + [ELMoConfiguration.Character.wordEnd]
    }

    func layer(_ index: Int) {
        if index == 0 {
            readWords()
            mix(0)
        } else {
            let cell = model.cells[index - 1]
            let hasSkip = model.configuration.hasSkips && index > 1
            forward = run(cell.forward, over: forward, backwards: false, hasSkip: hasSkip)
            backward = run(cell.backward, over: backward, backwards: true, hasSkip: hasSkip)
            mix(index)
        }
    }

    private func mix(_ layer: Int) {
        let (weight, width) = (model.configuration.mix[layer], model.configuration.width)
        for row in 0..<words.count {
            let sum = mixed.row(row)
            for (part, source) in [forward.row(row), backward.row(row)].enumerated() {
                let target = sum + part * width
                for column in 0..<width {
                    let value = weight * source[column]
                    target[column] = layer == 0 ? value : target[column] + value
                }
            }
        }
    }

    /// The rows of the text's words, without its begin and end.
    func states(of index: Int) -> Rows<Float> {
        let rows = texts[index]
        return mixed.rows.rows(from: rows.lowerBound + 1, count: rows.count - 2)
    }

    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>
    ) {
        // A prompt's tokens are characters here, and no count of words.
        var pooling = pooling
        pooling.includesPrompt = true
        poolStates(index, width: model.width, by: pooling, into: target)
    }
}

/// Rows of numbers of one owner.
struct FloatMatrix {
    private let buffer: AlignedBuffer
    let rows: Rows<Float>

    /// Uninitialised rows.
    init(rows count: Int = 0, columns: Int) {
        buffer = AlignedBuffer(byteCount: count * columns * 4)
        rows = Rows(buffer.elements(of: Float.self), count: count, stride: columns)
    }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> {
        precondition(index >= 0 && index < rows.count)
        return rows.base + index * rows.stride
    }
}
