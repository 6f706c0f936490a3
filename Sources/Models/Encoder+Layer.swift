import Kernels

extension Encoder {
    /// Runs one layer on the batch in the workspace, on all threads of the workspace's team.
    package func layer(_ index: Int, workspace: Workspace) {
        layers(index..<index + 1, workspace: workspace)
    }

    /// Runs several layers in turn; a team stays awake from the first to the last.
    package func layers(_ range: Range<Int>, workspace: Workspace) {
        guard workspace.batch.tokenCount > 0 else { return }
        let steps = LayerSteps(
            kernels: kernels, configuration: configuration, type: type,
            layers: weights.layers[range], workspace: workspace)
        if let team = workspace.team {
            team.run { steps.run($0) }
        } else {
            steps.run(TeamMember.alone)
        }
    }
}

/// Layers of one batch, as each member of a team runs them.
private struct LayerSteps: @unchecked Sendable {
    /// Safe to share among a team: see `LayerStep`.
    let kernels: Kernels
    let configuration: EncoderConfiguration
    let type: NumericType
    let layers: ArraySlice<LayerWeights>
    let workspace: Workspace

    func run(_ member: TeamMember) {
        for layer in layers {
            LayerStep(
                kernels: kernels, configuration: configuration, type: type, weights: layer,
                workspace: workspace
            ).run(member)
        }
    }
}

/// One layer of one batch, as each member of a team runs it.
///
/// Products are split by panels of output columns, attention by heads, norms by rows; no split changes
/// the order in which a number is summed.
private struct LayerStep: @unchecked Sendable {
    /// Safe to share among a team: members write disjoint parts and meet before they read others'.
    let kernels: Kernels
    let configuration: EncoderConfiguration
    let type: NumericType
    let weights: LayerWeights
    let workspace: Workspace

    func run(_ member: TeamMember) {
        let hidden = workspace.hidden
        let rows = hidden.count
        mixQueryKeyValue(member, rows: rows)
        member.meet()
        attend(member)
        member.meet()
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            let block = first..<min(first + Workspace.blockRows, rows)
            feedForward(member, block)
        }
    }

    private func mixQueryKeyValue(_ member: TeamMember, rows: Int) {
        let layer = weights.queryKeyValue
        for first in stride(from: 0, to: rows, by: Workspace.blockRows) {
            let count = min(Workspace.blockRows, rows - first)
            let input = input(for: layer, first: first, count: count, member)
            let output: LinearOutput =
                type == .float32
                ? .float32(workspace.mixed(as: Float.self).rows(from: first, count: count))
                : .bfloat16(workspace.mixed(as: UInt16.self).rows(from: first, count: count))
            kernels.linear(
                input, layer.weights, panels: member.share(of: layer.weights.panelCount),
                to: output)
            if layer.weights.type == .int8 { member.meet() }
        }
    }

    /// Softmax attention of the member's share of (text, head) pairs.
    private func attend(_ member: TeamMember) {
        let heads = configuration.headCount
        let scale = 1 / Float(configuration.headSize).squareRoot()
        let scratch = workspace.scratch(member.index)
        for unit in member.share(of: workspace.batch.count * heads) {
            let tokens = workspace.batch.tokens(of: unit / heads)
            let shape = AttentionShape(
                queries: tokens.count, keys: tokens.count, headSize: configuration.headSize,
                scale: scale)
            if type == .float32 {
                attend(as: Float.self, tokens, head: unit % heads) {
                    kernels.attention(
                        query: $0, key: $1, value: $2, shape, scratch: scratch, to: $3)
                }
            } else {
                attend(as: UInt16.self, tokens, head: unit % heads) {
                    kernels.attention(
                        query: $0, key: $1, value: $2, shape, scratch: scratch, to: $3)
                }
            }
        }
    }

    private func attend<Element: BitwiseCopyable>(
        as element: Element.Type, _ tokens: Range<Int>, head: Int,
        _ body: (Rows<Element>, Rows<Element>, Rows<Element>, Rows<Element>) -> Void
    ) {
        let hidden = configuration.hiddenSize
        let column = head * configuration.headSize
        let mixed = workspace.mixed(as: element)
            .rows(from: tokens.lowerBound, count: tokens.count)
        let output = workspace.context(as: element)
            .rows(from: tokens.lowerBound, count: tokens.count)
        body(
            mixed.columns(from: column), mixed.columns(from: hidden + column),
            mixed.columns(from: 2 * hidden + column), output.columns(from: column))
    }

    /// All that works on rows alone: attention's projection, both norms and the feed-forward layers.
    private func feedForward(_ member: TeamMember, _ block: Range<Int>) {
        let hidden = workspace.hidden.rows(from: block.lowerBound, count: block.count)
        let projection = weights.attentionOutput
        kernels.linear(
            contextInput(for: projection, block, member), projection.weights,
            panels: member.share(of: projection.weights.panelCount), residual: hidden,
            to: .float32(hidden))
        member.meet()
        norm(weights.attentionNorm, block, member)
        member.meet()
        let up = weights.intermediate
        let innerIsFloat = type == .float32
        let inner = workspace.inner(as: Float.self, count: block.count)
        let innerHalf = workspace.inner(as: UInt16.self, count: block.count)
        kernels.linear(
            input(for: up, first: block.lowerBound, count: block.count, member), up.weights,
            panels: member.share(of: up.weights.panelCount),
            activation: configuration.activation,
            to: innerIsFloat ? .float32(inner) : .bfloat16(innerHalf))
        member.meet()
        let down = weights.output
        kernels.linear(
            innerInput(for: down, inner: inner, half: innerHalf, member), down.weights,
            panels: member.share(of: down.weights.panelCount), residual: hidden,
            to: .float32(hidden))
        member.meet()
        norm(weights.outputNorm, block, member)
        member.meet()
    }

    private func norm(_ norm: NormWeights, _ block: Range<Int>, _ member: TeamMember) {
        let share = member.share(of: block.count)
        let first = block.lowerBound + share.lowerBound
        kernels.layerNorm(
            workspace.hidden.rows(from: first, count: share.count), norm,
            copy: type == .float32
                ? nil : workspace.hiddenCopy.rows(from: first, count: share.count))
    }

    /// The residual stream as a layer's weights want it.
    private func input(
        for layer: LinearLayer, first: Int, count: Int, _ member: TeamMember
    ) -> LinearInput {
        let hidden = workspace.hidden.rows(from: first, count: count)
        switch layer.weights.type {
        case .float32: return .float32(hidden)
        case .bfloat16: return .bfloat16(workspace.hiddenCopy.rows(from: first, count: count))
        case .int8:
            return quantized(layer, count: count, member) { share, target in
                kernels.quantize(
                    hidden.rows(from: share.lowerBound, count: share.count),
                    columns: layer.weights.inputs, inverseSmooth: layer.inverseSmooth, to: target)
            }
        }
    }

    private func contextInput(
        for layer: LinearLayer, _ block: Range<Int>, _ member: TeamMember
    ) -> LinearInput {
        let half = workspace.context(as: UInt16.self)
            .rows(from: block.lowerBound, count: block.count)
        switch layer.weights.type {
        case .float32:
            return .float32(
                workspace.context(as: Float.self).rows(from: block.lowerBound, count: block.count))
        case .bfloat16: return .bfloat16(half)
        case .int8: return quantized(layer, half, member)
        }
    }

    private func innerInput(
        for layer: LinearLayer, inner: Rows<Float>, half: Rows<UInt16>, _ member: TeamMember
    ) -> LinearInput {
        switch layer.weights.type {
        case .float32: .float32(inner)
        case .bfloat16: .bfloat16(half)
        case .int8: quantized(layer, half, member)
        }
    }

    private func quantized(
        _ layer: LinearLayer, _ rows: Rows<UInt16>, _ member: TeamMember
    ) -> LinearInput {
        quantized(layer, count: rows.count, member) { share, target in
            kernels.quantize(
                rows.rows(from: share.lowerBound, count: share.count),
                columns: layer.weights.inputs, inverseSmooth: layer.inverseSmooth, to: target)
        }
    }

    /// Quantizes the member's share of the rows and waits for the others'.
    private func quantized(
        _ layer: LinearLayer, count: Int, _ member: TeamMember,
        _ body: (Range<Int>, QuantizedRows) -> Void
    ) -> LinearInput {
        let target = workspace.quantized(count: count, columns: layer.weights.inputs)
        let share = member.share(of: count)
        body(share, target.rows(from: share.lowerBound, count: share.count))
        member.meet()
        return .int8(target)
    }
}
