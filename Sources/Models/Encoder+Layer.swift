import Kernels

extension Encoder {
    /// Runs one layer on the batch in the workspace, with the workspace's team.
    package func layer(_ index: Int, workspace: Workspace) {
        layer(
            index, weights: weights.layers[configuration.storedLayer(index)], workspace: workspace)
    }

    /// Runs layer `index` with weights that the encoder need not hold yet.
    func layer(_ index: Int, weights layer: LayerWeights, workspace: Workspace) {
        guard workspace.batch.tokenCount > 0 else { return }
        LayerStep(
            kernels: kernels, configuration: configuration, type: type, weights: layer,
            relativeBias: weights.relativeBias, disentangled: weights.disentangled,
            finalNorm: index + 1 == configuration.layerCount ? weights.finalNorm : nil,
            pattern: configuration.pattern(index),
            angles: workspace.angles.isEmpty
                ? nil : workspace.angles[configuration.patternIndex(index)],
            index: configuration.storedLayer(index), workspace: workspace,
            crew: Crew(workspace.team)
        ).run()
        if index == 0, let convolution = weights.convolution { convolve(convolution, workspace) }
    }

    /// Runs several layers in turn.
    package func layers(_ range: Range<Int>, workspace: Workspace) {
        for index in range { layer(index, workspace: workspace) }
    }
}

/// One layer of one batch.
///
/// Products are split by panels of output columns, attention by heads, norms by rows; no split changes
/// the order in which a number is summed.
struct LayerStep {
    let kernels: Kernels
    let configuration: EncoderConfiguration
    let type: NumericType
    let weights: LayerWeights
    let relativeBias: RelativeBias?
    let disentangled: DisentangledTable?
    /// Behind the last layer; nil for the others.
    let finalNorm: NormWeights?
    let pattern: AttentionPattern
    /// Of the pattern's rotation; nil for none.
    let angles: RotaryAngles?
    /// The number of the weights.
    let index: Int
    let workspace: Workspace
    let crew: Crew

    func run() {
        let rows = workspace.hidden.count
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            let block = first..<min(first + Workspace.blockRows, rows)
            mixQueryKeyValue(block)
            if isPrepared { prepareHeads(block) }
        }
        attend()
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            let block = first..<min(first + Workspace.blockRows, rows)
            project(block)
            feedForward(block)
        }
    }

    private func mixQueryKeyValue(_ block: Range<Int>) {
        let layer = weights.queryKeyValue
        let output: LinearOutput =
            type == .float32
            ? .float32(workspace.mixed(as: Float.self).rows(in: block))
            : .bfloat16(workspace.mixed(as: UInt16.self).rows(in: block))
        let rows = stream(block, norm: weights.attentionNorm)
        linear(layer, .queryKeyValue, input(layer, rows), to: output)
    }

    /// Softmax attention of every head of every text.
    private func attend() {
        let heads = configuration.headCount
        crew.split { part in
            let scratch = workspace.scratch(part.index)
            for unit in part.share(of: workspace.batch.count * heads) {
                let tokens = workspace.batch.tokens(of: unit / heads)
                if let disentangled {
                    attend(tokens, head: unit % heads, positions: disentangled, scratch: scratch)
                    continue
                }
                guard let relativeBias else {
                    attend(tokens, head: unit % heads, bias: nil, scratch: scratch)
                    continue
                }
                relativeBias.withHead(unit % heads) { bias in
                    attend(tokens, head: unit % heads, bias: bias, scratch: scratch)
                }
            }
        }
    }

    /// One head of one text.
    private func attend(
        _ tokens: Range<Int>, head: Int, bias: UnsafePointer<Float>?,
        scratch: UnsafeMutableRawPointer
    ) {
        var shape = AttentionShape(
            queries: tokens.count, keys: tokens.count, headSize: configuration.headSize,
            scale: configuration.attentionScale)
        shape.bias = bias
        shape.window = pattern.window
        if type == .float32 {
            let rows = headRows(as: Float.self, tokens, head: head)
            kernels.attention(
                query: rows.query, key: rows.key, value: rows.value, shape, scratch: scratch,
                to: rows.output)
        } else {
            let rows = headRows(as: UInt16.self, tokens, head: head)
            kernels.attention(
                query: rows.query, key: rows.key, value: rows.value, shape, scratch: scratch,
                to: rows.output)
        }
    }

    /// One head of one text, whose scores depend on content and distance together.
    private func attend(
        _ tokens: Range<Int>, head: Int, positions: DisentangledTable,
        scratch: UnsafeMutableRawPointer
    ) {
        guard let weights = weights.disentangled else { return }
        let bias = DisentangledBias(
            positions, weights, head: head, length: tokens.count, kernels: kernels,
            scratch: scratch + workspace.attentionByteCount)
        var shape = AttentionShape(
            queries: 0, keys: tokens.count, headSize: configuration.headSize,
            scale: configuration.attentionScale)
        shape.bias = UnsafePointer(bias.bias)
        shape.biasStride = tokens.count
        if type == .float32 {
            let rows = headRows(as: Float.self, tokens, head: head)
            bias.begin(keys: .float32(rows.key))
            for block in blocks(tokens.count) {
                let queries = rows.query.rows(in: block)
                bias.compute(
                    queries: .float32(queries), first: block.lowerBound, count: block.count)
                shape.queries = block.count
                kernels.attention(
                    query: queries, key: rows.key, value: rows.value, shape, scratch: scratch,
                    to: rows.output.rows(in: block))
            }
        } else {
            let rows = headRows(as: UInt16.self, tokens, head: head)
            bias.begin(keys: .bfloat16(rows.key))
            for block in blocks(tokens.count) {
                let queries = rows.query.rows(in: block)
                bias.compute(
                    queries: .bfloat16(queries), first: block.lowerBound, count: block.count)
                shape.queries = block.count
                kernels.attention(
                    query: queries, key: rows.key, value: rows.value, shape, scratch: scratch,
                    to: rows.output.rows(in: block))
            }
        }
    }

    /// Blocks of queries, from a text's first token on.
    private func blocks(_ count: Int) -> some Sequence<Range<Int>> {
        let size = DisentangledTable.blockRows
        return stride(from: 0, to: count, by: size).lazy.map { $0..<min($0 + size, count) }
    }

    /// Where one head of one text is read and written.
    private struct HeadRows<Element: BitwiseCopyable> {
        let query: Rows<Element>
        let key: Rows<Element>
        let value: Rows<Element>
        let output: Rows<Element>
    }

    private func headRows<Element: BitwiseCopyable>(
        as element: Element.Type, _ tokens: Range<Int>, head: Int
    ) -> HeadRows<Element> {
        let size = configuration.headSize
        let group = configuration.headCount / configuration.keyValueHeads
        let keys = configuration.attentionWidth + head / group * size
        let values = keys + configuration.keyValueHeads * size
        let mixed = workspace.mixed(as: element).rows(in: tokens)
        return HeadRows(
            query: mixed.columns(from: head * size), key: mixed.columns(from: keys),
            value: mixed.columns(from: values),
            output: workspace.context(as: element).rows(in: tokens).columns(from: head * size))
    }

    /// Attention's output layer, the residual and the norm.
    private func project(_ block: Range<Int>) {
        let layer = weights.attentionOutput
        let half = workspace.context(as: UInt16.self).rows(in: block)
        let input: LinearInput =
            switch layer.weights.type {
            case .float32: .float32(workspace.context(as: Float.self).rows(in: block))
            case .bfloat16: .bfloat16(half)
            case .int8: quantized(layer, half)
            }
        addToHidden(
            layer, .attentionOutput, input, block,
            norm: configuration.normPlacement == .after
                ? weights.attentionNorm : weights.attentionPostNorm)
    }

    /// Both feed-forward layers, the residual and the norm.
    private func feedForward(_ block: Range<Int>) {
        let up = weights.intermediate
        let down = weights.output
        let inner = workspace.inner(as: Float.self, count: block.count)
        let half = workspace.inner(as: UInt16.self, count: block.count)
        let rows = stream(block, norm: weights.outputNorm)
        let isGated = configuration.gating != nil
        linear(
            up, .intermediate, input(up, rows),
            activation: isGated ? .identity : configuration.activation,
            to: type == .float32 ? .float32(inner) : .bfloat16(half))
        if isGated { gate(inner, half) }
        let input: LinearInput =
            switch down.weights.type {
            case .float32: .float32(inner)
            case .bfloat16: .bfloat16(half)
            case .int8: quantized(down, half)
            }
        addToHidden(
            down, .output, input, block,
            norm: configuration.normPlacement == .after
                ? weights.outputNorm : weights.outputPostNorm)
        if let finalNorm { normalize(block, finalNorm) }
    }

    /// `hidden = norm(hidden + layer(input))`, or `hidden += norm(layer(input))` with norms around.
    private func addToHidden(
        _ layer: LinearLayer, _ place: LinearPlace, _ input: LinearInput, _ block: Range<Int>,
        norm: NormWeights?
    ) {
        let hidden = workspace.hidden.rows(in: block)
        if configuration.normPlacement == .around, let norm {
            let output = workspace.normed(count: block.count)
            linear(layer, place, input, to: .float32(output))
            crew.split { part in
                let share = part.share(of: block.count)
                let sum = hidden.rows(in: share)
                kernels.norm(output.rows(in: share), norm, adding: sum, to: sum)
            }
            return
        }
        if place == .attentionOutput, let norm, let second = weights.secondAttentionNorm {
            let output = workspace.normed(count: block.count)
            linear(layer, place, input, residual: hidden, to: .float32(output))
            kernels.norm(output, norm, to: output)
            for index in 0..<output.count * output.stride {
                hidden.base[index] += output.base[index]
            }
            normalize(block, second)
            return
        }
        linear(layer, place, input, residual: hidden, to: .float32(hidden))
        if let norm { normalize(block, norm) }
    }

    /// The norm of the residual stream, in place.
    private func normalize(_ block: Range<Int>, _ norm: NormWeights) {
        let hidden = workspace.hidden.rows(in: block)
        let hasCopy = type != .float32 && configuration.normPlacement == .after
        let copy = hasCopy ? workspace.hiddenCopy.rows(in: block) : nil
        crew.split { part in
            let share = part.share(of: block.count)
            let rows = hidden.rows(in: share)
            kernels.norm(rows, norm, to: rows, copy: copy?.rows(in: share))
        }
    }

    private func linear(
        _ layer: LinearLayer, _ place: LinearPlace, _ input: LinearInput,
        activation: Activation = .identity, residual: Rows<Float>? = nil, to output: LinearOutput
    ) {
        if let ranges = workspace.ranges, case .bfloat16(let rows) = input {
            ranges.note(rows, of: layer, at: InputRanges.Key(layer: index, place: place))
        }
        crew.split { part in
            kernels.linear(
                input, layer.weights, panels: part.share(of: layer.weights.panelCount),
                activation: activation, residual: residual, to: output)
        }
    }

    /// What a block's layers read, in both types; the copy is valid only where products are not in
    /// float32.
    private struct StreamRows {
        let exact: Rows<Float>
        let copy: Rows<UInt16>
    }

    /// The residual stream, or its norm where norms come first.
    private func stream(_ block: Range<Int>, norm: NormWeights?) -> StreamRows {
        let hidden = workspace.hidden.rows(in: block)
        if configuration.normPlacement == .after {
            return StreamRows(exact: hidden, copy: workspace.hiddenCopy.rows(in: block))
        }
        let normed = workspace.normed(count: block.count)
        let copy = workspace.normedCopy(count: block.count)
        let hasCopy = type != .float32
        crew.split { part in
            let share = part.share(of: block.count)
            let target = copy.rows(in: share)
            if let norm {
                kernels.norm(
                    hidden.rows(in: share), norm, to: normed.rows(in: share),
                    copy: hasCopy ? target : nil)
            } else if hasCopy {
                kernels.narrow(
                    hidden.rows(in: share), columns: configuration.hiddenSize, to: target)
            }
        }
        return StreamRows(exact: norm == nil ? hidden : normed, copy: copy)
    }

    /// Those rows as a layer's weights want them.
    private func input(_ layer: LinearLayer, _ rows: StreamRows) -> LinearInput {
        switch layer.weights.type {
        case .float32: .float32(rows.exact)
        case .bfloat16: .bfloat16(rows.copy)
        case .int8:
            quantized(layer, count: rows.exact.count) { share, target in
                kernels.quantize(
                    rows.exact.rows(in: share), columns: layer.weights.inputs,
                    inverseSmooth: layer.inverseSmooth, to: target)
            }
        }
    }

    private func quantized(_ layer: LinearLayer, _ rows: Rows<UInt16>) -> LinearInput {
        quantized(layer, count: rows.count) { share, target in
            kernels.quantize(
                rows.rows(in: share), columns: layer.weights.inputs,
                inverseSmooth: layer.inverseSmooth, to: target)
        }
    }

    private func quantized(
        _ layer: LinearLayer, count: Int, _ body: (Range<Int>, QuantizedRows) -> Void
    ) -> LinearInput {
        let target = workspace.quantized(count: count, columns: layer.weights.inputs)
        crew.split { part in
            let share = part.share(of: count)
            body(share, target.rows(in: share))
        }
        return .int8(target)
    }
}
