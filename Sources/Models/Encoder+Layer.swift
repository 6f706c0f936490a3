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
            relativeBias: layer.relativeBias ?? weights.relativeBias,
            disentangled: weights.disentangled,
            finalNorm: index + 1 == configuration.layerCount ? weights.finalNorm : nil,
            pattern: configuration.pattern(index),
            angles: workspace.angles.isEmpty
                ? nil : workspace.angles[configuration.patternIndex(index)],
            pooledRows: index + 1 == configuration.layerCount ? workspace.pooledRows : [],
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
    /// The rows that are wanted of the last layer; empty for all.
    let pooledRows: [Int]
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
        StageTimes.timed(workspace.times, .attention) { attend() }
        let count = gatherPooled() ?? rows
        for first in stride(from: 0, to: count, by: Workspace.blockRows) {
            let block = first..<min(first + Workspace.blockRows, count)
            project(block)
            feedForward(block)
        }
    }

    /// Moves what attention gave for the pooled rows, and their residual stream, to the first rows, one a
    /// text; returns how many, nil for all rows as they are.
    private func gatherPooled() -> Int? {
        guard !pooledRows.isEmpty else { return nil }
        workspace.hidden.gather(pooledRows)
        if type == .float32 {
            workspace.context(as: Float.self).gather(pooledRows)
        } else {
            workspace.context(as: UInt16.self).gather(pooledRows)
        }
        return pooledRows.count
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
            StageTimes.timed(workspace.times, .norm) {
                crew.split { part in
                    let share = part.share(of: block.count)
                    let sum = hidden.rows(in: share)
                    kernels.norm(output.rows(in: share), norm, adding: sum, to: sum)
                }
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
        StageTimes.timed(workspace.times, .norm) {
            crew.split { part in
                let share = part.share(of: block.count)
                let rows = hidden.rows(in: share)
                kernels.norm(rows, norm, to: rows, copy: copy?.rows(in: share))
            }
        }
    }
}
