import Kernels

/// What a caller wants of one text of a batch.
package enum TextOutput: Hashable, Sendable {
    /// The text's vector: pooled, and through the folder's other modules.
    case vector
    /// The vector of every token, special ones included, as the backbone's last layer gives it.
    case tokens
    /// A vector for each stretch of token vectors: their mean, through the folder's other modules.
    ///
    /// Late chunking (Günther et al., arXiv 2409.04701): every token has read the whole text.
    case spans([Range<Int>])
}

extension EmbeddingModel {
    /// Whether token vectors know their neighbours, and a text's vector is their mean, so that the
    /// mean over a part of them is a vector of the same kind.
    package var poolsSpans: Bool {
        backbone.isContextual && backbone.hasVectorPerToken
            && description.pipeline.pooling.modes == [.mean]
    }

    /// Whether every vector that it gives has length 1.
    package var givesUnitVectors: Bool {
        description.endsNormalized && description.settings.truncatedWidth == nil
    }

    /// Computes what `outputs` asks of each text, in order, all rows of a text in one array.
    ///
    /// - Parameter afterLayer: called between two layers, as in `embed`.
    /// - Precondition: `outputs` has one element for each text, and its spans lie within the text and
    ///   are not empty.
    /// - Throws: ``EmbeddingError``, or what `afterLayer` throws.
    package func outputs(
        _ outputs: [TextOutput], of batch: PackedBatch, workspace: any BackboneWorkspace,
        afterLayer: () throws -> Void = {}
    ) throws -> [[Float]] {
        precondition(outputs.count == batch.count)
        let isPooled = outputs.allSatisfy { $0 == .vector }
        try run(
            batch, workspace, pooling: isPooled ? description.pipeline.pooling : nil,
            afterLayer: afterLayer)
        var results: [[Float]] = []
        results.reserveCapacity(outputs.count)
        for (text, output) in outputs.enumerated() {
            var rows = self.rows(of: text, output, workspace)
            if output != .tokens { finish(&rows) }
            guard rows.allSatisfy(\.isFinite) else { throw EmbeddingError.notFinite(index: text) }
            results.append(rows)
        }
        return results
    }

    /// A text's token vectors, or its pooled ones before the other modules.
    private func rows(
        of text: Int, _ output: TextOutput, _ workspace: any BackboneWorkspace
    ) -> [Float] {
        let states = workspace.states(of: text)
        let width = backbone.width
        switch output {
        case .vector:
            return Self.floats(pooledWidth) { target in
                workspace.pool(text, by: description.pipeline.pooling, into: target)
            }
        case .tokens:
            return Self.floats(states.count * width) { target in
                for row in 0..<states.count {
                    (target + row * width).update(
                        from: states.base + row * states.stride, count: width)
                }
            }
        case .spans(let spans):
            let mean = PoolingConfiguration(modes: [.mean])
            return Self.floats(spans.count * width) { target in
                for (index, span) in spans.enumerated() {
                    precondition(!span.isEmpty && span.upperBound <= states.count)
                    mean.pool(
                        states.rows(from: span.lowerBound, count: span.count), width: width,
                        promptTokenCount: 0, into: target + index * width)
                }
            }
        }
    }

    private static func floats(
        _ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0, let target = buffer.baseAddress { fill(target) }
            initialized = count
        }
    }
}
