import Kernels

/// The numbers of queries, keys, values and what attention makes of them.
protocol AttentionElement: BitwiseCopyable {
    /// Rows as a linear layer's input.
    static func input(_ rows: Rows<Self>) -> LinearInput
    /// Attention of one head, from and to these rows.
    static func attention(
        _ rows: HeadRows<Self>, _ shape: AttentionShape, _ kernels: Kernels,
        scratch: UnsafeMutableRawPointer)
}

/// Where one head of one text is read and written.
struct HeadRows<Element: BitwiseCopyable> {
    /// The queries that are computed: all of the text's tokens, or some.
    var query: Rows<Element>
    let key: Rows<Element>
    let value: Rows<Element>
    /// As many as queries.
    var output: Rows<Element>

    /// The same with some of the queries.
    func queries(in range: Range<Int>) -> HeadRows {
        var some = self
        some.query = query.rows(in: range)
        some.output = output.rows(in: range)
        return some
    }
}

extension Float: AttentionElement {
    static func input(_ rows: Rows<Float>) -> LinearInput { .float32(rows) }

    static func attention(
        _ rows: HeadRows<Float>, _ shape: AttentionShape, _ kernels: Kernels,
        scratch: UnsafeMutableRawPointer
    ) {
        kernels.attention(
            query: rows.query, key: rows.key, value: rows.value, shape, scratch: scratch,
            to: rows.output)
    }
}

/// bfloat16 numbers.
extension UInt16: AttentionElement {
    static func input(_ rows: Rows<UInt16>) -> LinearInput { .bfloat16(rows) }

    static func attention(
        _ rows: HeadRows<UInt16>, _ shape: AttentionShape, _ kernels: Kernels,
        scratch: UnsafeMutableRawPointer
    ) {
        kernels.attention(
            query: rows.query, key: rows.key, value: rows.value, shape, scratch: scratch,
            to: rows.output)
    }
}

extension LayerStep {
    /// Softmax attention of every head of every text.
    func attend() {
        if type == .float32 { attend(as: Float.self) } else { attend(as: UInt16.self) }
    }

    private func attend<Element: AttentionElement>(as element: Element.Type) {
        let heads = configuration.headCount
        crew.split { part in
            let scratch = workspace.scratch(part.index)
            for unit in part.share(of: workspace.batch.count * heads) {
                let text = unit / heads
                let head = unit % heads
                let tokens = workspace.batch.tokens(of: text)
                let queries =
                    pooledRows.isEmpty ? tokens : pooledRows[text]..<pooledRows[text] + 1
                let rows = headRows(as: element, queries, tokens, head: head)
                // Of the queries, counted from the text's first token.
                let first = queries.lowerBound - tokens.lowerBound
                if let blocks = pattern.blocks {
                    attend(rows, first: first, blocks: blocks, scratch)
                } else if let disentangled {
                    attend(rows, first: first, head: head, positions: disentangled, scratch)
                } else if let relativeBias {
                    relativeBias.withHead(head) { bias in
                        attend(rows, first: first, bias: bias, scratch)
                    }
                } else {
                    attend(rows, first: first, bias: nil, scratch)
                }
            }
        }
    }

    /// One head of one text, of which the queries begin with token `first`.
    private func attend<Element: AttentionElement>(
        _ rows: HeadRows<Element>, first: Int, bias: UnsafePointer<Float>?,
        _ scratch: UnsafeMutableRawPointer
    ) {
        var shape = AttentionShape(
            queries: rows.query.count, keys: rows.key.count, headSize: configuration.headSize,
            scale: configuration.attentionScale)
        shape.bias = bias.map { $0 + first * shape.biasStride }
        // The kernel counts windows from the first query; one behind it sees all (`PooledTokens`).
        shape.window = first == 0 ? pattern.window : nil
        Element.attention(rows, shape, kernels, scratch: scratch)
    }

    /// One head of one text, whose scores depend on content and distance together.
    private func attend<Element: AttentionElement>(
        _ rows: HeadRows<Element>, first: Int, head: Int, positions: DisentangledTable,
        _ scratch: UnsafeMutableRawPointer
    ) {
        guard let weights = weights.disentangled else { return }
        let length = rows.key.count
        let bias = DisentangledBias(
            positions, weights, head: head, length: length, kernels: kernels,
            scratch: scratch + workspace.attentionByteCount)
        bias.begin(keys: Element.input(rows.key))
        for start in stride(from: 0, to: rows.query.count, by: DisentangledTable.blockRows) {
            let block = rows.queries(
                in: start..<min(start + DisentangledTable.blockRows, rows.query.count))
            bias.compute(
                queries: Element.input(block.query), first: first + start, count: block.query.count)
            var shape = AttentionShape(
                queries: block.query.count, keys: length, headSize: configuration.headSize,
                scale: configuration.attentionScale)
            shape.bias = UnsafePointer(bias.bias)
            shape.biasStride = length
            Element.attention(block, shape, kernels, scratch: scratch)
        }
    }

    private func headRows<Element: BitwiseCopyable>(
        as element: Element.Type, _ queries: Range<Int>, _ tokens: Range<Int>, head: Int
    ) -> HeadRows<Element> {
        let size = configuration.headSize
        let group = configuration.headCount / configuration.keyValueHeads
        let keys = configuration.attentionWidth + head / group * size
        let values = keys + configuration.keyValueHeads * size
        let all = workspace.mixed(as: element)
        let mixed = all.rows(in: tokens)
        return HeadRows(
            query: all.rows(in: queries).columns(from: head * size), key: mixed.columns(from: keys),
            value: mixed.columns(from: values),
            output: workspace.context(as: element).rows(in: queries).columns(from: head * size))
    }
}
