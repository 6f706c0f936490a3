import Kernels

extension LayerStep {
    /// Whether queries and keys are normalised or rotated before attention.
    var isPrepared: Bool {
        angles != nil || weights.queryNorm != nil || weights.wideQueryNorm != nil
    }

    /// Normalises and rotates the queries and keys of some tokens.
    func prepareHeads(_ block: Range<Int>) {
        crew.split { part in
            let share = part.share(of: block.count)
            var first = block.lowerBound + share.lowerBound
            let end = block.lowerBound + share.upperBound
            guard first < end else { return }
            var text = workspace.batch.text(of: first)
            while first < end {
                let tokens = workspace.batch.tokens(of: text)
                let last = min(tokens.upperBound, end)
                prepareHeads(first..<last, position: first - tokens.lowerBound, text: text)
                first = last
                text += 1
            }
        }
    }

    /// The heads of tokens of one text, the first of which stands at `position`.
    private func prepareHeads(_ tokens: Range<Int>, position: Int, text: Int) {
        let size = configuration.headSize
        if let queryNorm = weights.wideQueryNorm, let keyNorm = weights.wideKeyNorm {
            let width = configuration.attentionWidth
            let whole = HeadPreparation(heads: 1, headSize: width, norm: queryNorm)
            prepare(tokens, whole, from: 0)
            prepare(tokens, HeadPreparation(heads: 1, headSize: width, norm: keyNorm), from: width)
        }
        var queries = HeadPreparation(
            heads: configuration.headCount, headSize: size, norm: weights.queryNorm)
        var keys = HeadPreparation(
            heads: configuration.keyValueHeads, headSize: size, norm: weights.keyNorm)
        guard let angles else {
            guard weights.queryNorm != nil else { return }
            prepare(tokens, queries, from: 0)
            prepare(tokens, keys, from: configuration.attentionWidth)
            return
        }
        let row = (angles.start(of: text) + position) * angles.rotary.width / 2
        angles.cosine.withUnsafeBufferPointer { cosine in
            angles.sine.withUnsafeBufferPointer { sine in
                func turn(_ heads: inout HeadPreparation) {
                    heads.cosine = cosine.baseAddress.map { $0 + row }
                    heads.sine = sine.baseAddress.map { $0 + row }
                    heads.rotaryWidth = angles.rotary.width
                    heads.isInterleaved = angles.rotary.isInterleaved
                }
                turn(&queries)
                turn(&keys)
                prepare(tokens, queries, from: 0)
                prepare(tokens, keys, from: configuration.attentionWidth)
            }
        }
    }

    private func prepare(_ tokens: Range<Int>, _ heads: HeadPreparation, from column: Int) {
        if type == .float32 {
            let rows = workspace.mixed(as: Float.self).rows(in: tokens)
            kernels.prepareHeads(rows.columns(from: column), heads)
        } else {
            let rows = workspace.mixed(as: UInt16.self).rows(in: tokens)
            kernels.prepareHeads(rows.columns(from: column), heads)
        }
    }

    /// Multiplies the halves of a block's inner rows, in the rows of the type in use.
    func gate(_ inner: Rows<Float>, _ half: Rows<UInt16>) {
        let isUpFirst = configuration.gating == .upFirst
        crew.split { part in
            let share = part.share(of: inner.count)
            if type == .float32 {
                kernels.gate(
                    inner.rows(in: share), columns: configuration.intermediateSize,
                    isUpFirst: isUpFirst, configuration.activation)
            } else {
                kernels.gate(
                    half.rows(in: share), columns: configuration.intermediateSize,
                    isUpFirst: isUpFirst, configuration.activation)
            }
        }
    }
}
