import Kernels

extension Encoder {
    /// Runs one layer on the batch in the workspace, with the workspace's team.
    package func layer(_ index: Int, workspace: Workspace) {
        guard workspace.batch.tokenCount > 0 else { return }
        let stored = configuration.storedLayer(index)
        LayerStep(
            kernels: kernels, configuration: configuration, type: type,
            weights: weights.layers[stored], relativeBias: weights.relativeBias, index: stored,
            workspace: workspace, crew: Crew(workspace.team)
        ).run()
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
private struct LayerStep {
    let kernels: Kernels
    let configuration: EncoderConfiguration
    let type: NumericType
    let weights: LayerWeights
    let relativeBias: RelativeBias?
    /// The number of the weights.
    let index: Int
    let workspace: Workspace
    let crew: Crew

    func run() {
        let rows = workspace.hidden.count
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            mixQueryKeyValue(first..<min(first + Workspace.blockRows, rows))
        }
        attend()
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            let block = first..<min(first + Workspace.blockRows, rows)
            project(block)
            feedForward(block)
        }
    }

    private func mixQueryKeyValue(_ block: Range<Int>) {
        let output: LinearOutput =
            type == .float32
            ? .float32(workspace.mixed(as: Float.self).rows(in: block))
            : .bfloat16(workspace.mixed(as: UInt16.self).rows(in: block))
        linear(
            weights.queryKeyValue, .queryKeyValue, hiddenInput(weights.queryKeyValue, block),
            to: output)
    }

    /// Softmax attention of every head of every text.
    private func attend() {
        let heads = configuration.headCount
        crew.split { part in
            let scratch = workspace.scratch(part.index)
            for unit in part.share(of: workspace.batch.count * heads) {
                let tokens = workspace.batch.tokens(of: unit / heads)
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
        let hidden = configuration.hiddenSize
        let column = head * configuration.headSize
        let mixed = workspace.mixed(as: element).rows(in: tokens)
        return HeadRows(
            query: mixed.columns(from: column), key: mixed.columns(from: hidden + column),
            value: mixed.columns(from: 2 * hidden + column),
            output: workspace.context(as: element).rows(in: tokens).columns(from: column))
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
        addToHidden(layer, .attentionOutput, input, block, norm: weights.attentionNorm)
    }

    /// Both feed-forward layers, the residual and the norm.
    private func feedForward(_ block: Range<Int>) {
        let up = weights.intermediate
        let down = weights.output
        let inner = workspace.inner(as: Float.self, count: block.count)
        let half = workspace.inner(as: UInt16.self, count: block.count)
        linear(
            up, .intermediate, hiddenInput(up, block), activation: configuration.activation,
            to: type == .float32 ? .float32(inner) : .bfloat16(half))
        let input: LinearInput =
            switch down.weights.type {
            case .float32: .float32(inner)
            case .bfloat16: .bfloat16(half)
            case .int8: quantized(down, half)
            }
        addToHidden(down, .output, input, block, norm: weights.outputNorm)
    }

    /// `hidden = norm(hidden + layer(input))`.
    private func addToHidden(
        _ layer: LinearLayer, _ place: LinearPlace, _ input: LinearInput, _ block: Range<Int>,
        norm: NormWeights
    ) {
        let hidden = workspace.hidden.rows(in: block)
        linear(layer, place, input, residual: hidden, to: .float32(hidden))
        let copy = type == .float32 ? nil : workspace.hiddenCopy.rows(in: block)
        crew.split { part in
            let share = part.share(of: block.count)
            kernels.layerNorm(hidden.rows(in: share), norm, copy: copy?.rows(in: share))
        }
    }

    private func linear(
        _ layer: LinearLayer, _ place: LinearPlace, _ input: LinearInput,
        activation: Activation = .identity, residual: Rows<Float>? = nil, to output: LinearOutput
    ) {
        if let ranges = workspace.ranges, case .float32(let rows) = input {
            ranges.note(
                rows, columns: layer.weights.inputs,
                of: InputRanges.Key(layer: index, place: place))
        }
        crew.split { part in
            kernels.linear(
                input, layer.weights, panels: part.share(of: layer.weights.panelCount),
                activation: activation, residual: residual, to: output)
        }
    }

    /// The residual stream as a layer's weights want it.
    private func hiddenInput(_ layer: LinearLayer, _ block: Range<Int>) -> LinearInput {
        switch layer.weights.type {
        case .float32: .float32(workspace.hidden.rows(in: block))
        case .bfloat16: .bfloat16(workspace.hiddenCopy.rows(in: block))
        case .int8:
            quantized(layer, count: block.count) { share, target in
                kernels.quantize(
                    workspace.hidden.rows(in: block).rows(in: share),
                    columns: layer.weights.inputs, inverseSmooth: layer.inverseSmooth, to: target)
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
