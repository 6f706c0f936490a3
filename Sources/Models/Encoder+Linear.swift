import Kernels

extension LayerStep {
    /// One linear layer of some rows, noted where its input's range is asked for.
    func linear(
        _ layer: LinearLayer, _ place: LinearPlace, _ input: LinearInput,
        activation: Activation = .identity, residual: Rows<Float>? = nil, to output: LinearOutput
    ) {
        if let ranges = workspace.ranges, case .bfloat16(let rows) = input {
            ranges.note(rows, of: layer, at: InputRanges.Key(layer: index, place: place))
        }
        StageTimes.timed(workspace.times, place.stage) {
            crew.split { part in
                kernels.linear(
                    input, layer.weights, panels: part.share(of: layer.weights.panelCount),
                    activation: activation, residual: residual, to: output)
            }
        }
    }

    /// What a block's layers read, in both types; the copy is valid only where products are not in
    /// float32.
    struct StreamRows {
        let exact: Rows<Float>
        let copy: Rows<UInt16>
    }

    /// The residual stream, or its norm where norms come first.
    func stream(_ block: Range<Int>, norm: NormWeights?) -> StreamRows {
        let hidden = workspace.hidden.rows(in: block)
        if configuration.normPlacement == .after {
            return StreamRows(exact: hidden, copy: workspace.hiddenCopy.rows(in: block))
        }
        let normed = workspace.normed(count: block.count)
        let copy = workspace.normedCopy(count: block.count)
        let hasCopy = type != .float32
        StageTimes.timed(workspace.times, .norm) {
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
        }
        return StreamRows(exact: norm == nil ? hidden : normed, copy: copy)
    }

    /// Those rows as a layer's weights want them.
    func input(_ layer: LinearLayer, _ rows: StreamRows) -> LinearInput {
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

    func quantized(_ layer: LinearLayer, _ rows: Rows<UInt16>) -> LinearInput {
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
        StageTimes.timed(workspace.times, .quantization) {
            crew.split { part in
                let share = part.share(of: count)
                body(share, target.rows(in: share))
            }
        }
        return .int8(target)
    }
}
