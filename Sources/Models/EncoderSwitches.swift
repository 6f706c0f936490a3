import Kernels

/// Where a layer's norms stand.
package enum NormPlacement: Sendable {
    /// Behind each block's residual: `norm(x + block(x))` (BERT).
    case after
    /// Before each block, and one behind the last layer: `x + block(norm(x))`.
    case before
    /// Before and behind each block, inside the residual: `x + norm(block(norm(x)))` (Gemma).
    case around
}

/// A feed-forward block of two halves, one of which gates the other: `activation(gate) * up`
/// (Shazeer, 2020).
package enum Gating: Sendable {
    /// Two matrices: `names.gate` and `names.intermediate`.
    case separate
    /// One matrix, whose first half is activated.
    case gateFirst
    /// One matrix, whose second half is activated.
    case upFirst
}

/// The names of a family's tensors, and how its feed-forward matrices are stored with them.
package struct TensorSpelling: Equatable, Sendable {
    package var names: EncoderTensorNames
    package var gating: Gating?

    package init(names: EncoderTensorNames, gating: Gating?) {
        self.names = names
        self.gating = gating
    }
}

/// What attention is like in some of the layers.
package struct AttentionPattern: Equatable, Sendable {
    /// Which keys a query takes; nil for all.
    package var window: AttentionWindow?
    /// Which blocks of keys the queries of a block take, in the place of a window; nil for none.
    package var blocks: BlockSparsity?
    /// Nil when queries and keys are not rotated.
    package var rotary: RotaryPositions?

    package init(
        window: AttentionWindow? = nil, blocks: BlockSparsity? = nil,
        rotary: RotaryPositions? = nil
    ) {
        self.window = window
        self.blocks = blocks
        self.rotary = rotary
    }
}

extension EncoderConfiguration {
    /// The attention of layer `index`.
    package func pattern(_ index: Int) -> AttentionPattern {
        patterns.isEmpty ? AttentionPattern() : patterns[patternIndex(index)]
    }

    /// Which of `patterns` layer `index` has.
    func patternIndex(_ index: Int) -> Int {
        patternOfLayer.isEmpty ? 0 : patternOfLayer[index]
    }

    /// The same with the names that `source` has, if it has any of them.
    func spelled(in source: some TensorSource) -> EncoderConfiguration {
        for spelling in [TensorSpelling(names: names, gating: gating)] + otherSpellings {
            let names = spelling.names
            let first = names.layer(0, names.queryKeyValue ?? names.query)
            guard source.contains(first + ".weight") else { continue }
            var configuration = self
            configuration.names = names
            configuration.gating = spelling.gating
            return configuration
        }
        return self
    }

    /// The width of the feed-forward block's first product.
    var innerWidth: Int { gating == nil ? intermediateSize : 2 * intermediateSize }

    /// Whether a block's rows are normalised beside the residual stream.
    var hasNormedRows: Bool { normPlacement != .after || names.secondAttentionNorm != nil }

    /// The matrices whose products are queries, keys and values, and the outputs of each.
    var mixedParts: [(outputs: Int, name: String)] {
        if let packed = names.queryKeyValue { return [(mixedWidth, packed)] }
        let width = keyValueHeads * headSize
        return [(attentionWidth, names.query), (width, names.key), (width, names.value)]
    }

    /// The matrices of the feed-forward block's first product, the gate's before the other.
    var innerParts: [(outputs: Int, name: String)] {
        switch gating {
        case nil: return [(intermediateSize, names.intermediate)]
        case .gateFirst, .upFirst: return [(2 * intermediateSize, names.intermediate)]
        case .separate:
            return [
                (intermediateSize, names.gate ?? names.intermediate),
                (intermediateSize, names.intermediate),
            ]
        }
    }

    /// What is wrong with the switches, or nil.
    var switchFault: String? {
        guard headCount % keyValueHeads == 0 else {
            return "\(headCount) heads are not a multiple of the \(keyValueHeads) of the keys"
        }
        guard patternOfLayer.isEmpty || patternOfLayer.count == layerCount,
            patternOfLayer.allSatisfy(patterns.indices.contains)
        else { return "not one kind of attention for each of the \(layerCount) layers" }
        guard gating == nil || intermediateSize % 2 == 0 else {
            return "a gated feed-forward block of odd width \(intermediateSize)"
        }
        guard names.wideQueryNorm == nil || attentionWidth <= HeadPreparation.headSizeMaximum else {
            return "queries of \(attentionWidth), wider than \(HeadPreparation.headSizeMaximum)"
        }
        let isPrepared = names.queryNorm != nil || patterns.contains { $0.rotary != nil }
        guard !isPrepared || headSize <= HeadPreparation.headSizeMaximum else {
            return "heads of \(headSize), wider than \(HeadPreparation.headSizeMaximum)"
        }
        for rotary in patterns.compactMap(\.rotary) {
            guard rotary.width % 2 == 0, rotary.width > 0, rotary.width <= headSize else {
                return "\(rotary.width) of a head's \(headSize) columns cannot be rotated"
            }
        }
        return nil
    }
}
