import Glibc
import Kernels

/// Attention by blocks of tokens, as in BigBird (Zaheer et al., 2020, §2).
///
/// The first and the last block see all tokens and are seen by all; the others see themselves and
/// their neighbours. The paper's random blocks are drawn while training alone: the reference
/// then takes the first block in the place of each (`modeling_big_bird.py`, transformers 5.23), so it
/// counts `1 + randomCount` times. A text that is not longer than `fullLength` is attended in full; the
/// reference would do so with every later text, too, which is not followed.
package struct BlockSparsity: Equatable, Sendable {
    /// Tokens of a block.
    package var blockSize: Int
    /// The random blocks of each block.
    package var randomCount: Int

    package init(blockSize: Int, randomCount: Int) {
        self.blockSize = blockSize
        self.randomCount = randomCount
    }

    /// The most tokens of a text that is attended in full; longer ones have at least six blocks.
    package var fullLength: Int { (5 + 2 * randomCount) * blockSize }

    /// The most tokens that a block sees, when it does not see all.
    var keysMaximum: Int { 5 * blockSize }

    /// The tokens that block `index` of a text of `length` sees, as ascending ranges that do not
    /// overlap and begin with the first block; nil for all.
    func keys(of index: Int, length: Int) -> [Range<Int>]? {
        let last = (length - 1) / blockSize
        guard length > fullLength, index > 0, index < last else { return nil }
        func tokens(_ first: Int, _ end: Int) -> Range<Int> {
            first * blockSize..<min(end * blockSize, length)
        }
        if index == 1 { return [tokens(0, 3), tokens(last, last + 1)] }
        if index == last - 1 { return [tokens(0, 1), tokens(last - 2, last + 1)] }
        return [tokens(0, 1), tokens(index - 1, index + 2), tokens(last, last + 1)]
    }

    /// The bytes of scratch beside attention's own: rows of one head's queries, keys and values, and a
    /// bias for each key.
    func scratchByteCount(headSize: Int) -> Int { 4 * keysMaximum * (3 * headSize + 1) }
}

extension LayerStep {
    /// One head of one text, of which the queries begin with token `first`: block by block.
    ///
    /// The keys and values that a block sees are laid side by side, so that it costs what it sees.
    func attend<Element: AttentionElement>(
        _ rows: HeadRows<Element>, first: Int, blocks: BlockSparsity,
        _ scratch: UnsafeMutableRawPointer
    ) {
        let length = rows.key.count
        let size = configuration.headSize
        var shape = AttentionShape(
            queries: rows.query.count, keys: length, headSize: size,
            scale: configuration.attentionScale)
        guard length > blocks.fullLength else {
            Element.attention(rows, shape, kernels, scratch: scratch)
            return
        }
        let gathered = Rows(
            (scratch + workspace.attentionByteCount).assumingMemoryBound(to: Element.self),
            count: blocks.keysMaximum, stride: 3 * size)
        let bias = (scratch + workspace.attentionByteCount + 4 * blocks.keysMaximum * 3 * size)
            .assumingMemoryBound(to: Float.self)
        bias.update(repeating: 0, count: blocks.keysMaximum)
        // Kernels add biases before they scale.
        let weight = Float(log(Double(1 + blocks.randomCount))) / configuration.attentionScale
        bias.update(repeating: weight, count: blocks.blockSize)
        var start = 0
        while start < rows.query.count {
            let block = (first + start) / blocks.blockSize
            let end = min((block + 1) * blocks.blockSize - first, rows.query.count)
            let part = rows.queries(in: start..<end)
            shape.queries = part.query.count
            start = end
            guard let keys = blocks.keys(of: block, length: length) else {
                shape.keys = length
                shape.bias = nil
                Element.attention(part, shape, kernels, scratch: scratch)
                continue
            }
            shape.keys = gather(keys, part, to: gathered)
            shape.bias = UnsafePointer(bias)
            shape.biasStride = 0
            let seen = HeadRows(
                query: gathered.rows(in: 0..<shape.queries),
                key: gathered.rows(in: 0..<shape.keys).columns(from: size),
                value: gathered.rows(in: 0..<shape.keys).columns(from: 2 * size),
                output: part.output)
            Element.attention(seen, shape, kernels, scratch: scratch)
        }
    }

    /// Copies queries, and the keys and values of some tokens, side by side; returns how many tokens.
    private func gather<Element: AttentionElement>(
        _ tokens: [Range<Int>], _ rows: HeadRows<Element>, to target: Rows<Element>
    ) -> Int {
        let size = configuration.headSize
        for index in 0..<rows.query.count {
            (target.base + index * target.stride)
                .update(from: rows.query.base + index * rows.query.stride, count: size)
        }
        var count = 0
        for token in tokens.joined() {
            let row = target.base + count * target.stride
            (row + size).update(from: rows.key.base + token * rows.key.stride, count: size)
            (row + 2 * size).update(from: rows.value.base + token * rows.value.stride, count: size)
            count += 1
        }
        return count
    }
}
