import Kernels

/// The one token of each text that pooling reads, where it reads no other.
///
/// The last layer then computes keys and values of all tokens, and the rest for these alone. Their
/// numbers come of the same operations in the same order, so they are the same to the bit.
struct PooledTokens {
    private enum Place {
        case first, last
    }

    private let place: Place
    private let includesPrompt: Bool

    /// Nil where pooling reads more than one token of a text, or the last layer needs them all.
    init?(_ pooling: PoolingConfiguration, of configuration: EncoderConfiguration) {
        // A convolution joins the first layer and reads each token's neighbours.
        guard configuration.layerCount > (configuration.convolution == nil ? 0 : 1) else {
            return nil
        }
        let window = configuration.pattern(configuration.layerCount - 1).window
        switch pooling.modes {
        case [.cls]:
            // A prompt's tokens come first; the kernels count a window from the first query.
            guard pooling.includesPrompt || window == nil else { return nil }
            place = .first
        case [.lastToken]:
            // The last token sees all before it, window or not.
            guard window?.behind == nil else { return nil }
            place = .last
        default: return nil
        }
        includesPrompt = pooling.includesPrompt
    }

    /// Replaces `rows` by the batch's pooled rows, one a text; by nothing where a text has no token to
    /// pool.
    func find(in batch: PackedBatch, _ rows: inout [Int]) {
        rows.removeAll(keepingCapacity: true)
        for text in 0..<batch.count {
            let tokens = batch.tokens(of: text)
            let first = includesPrompt ? 0 : batch.promptTokenCount(of: text)
            guard first < tokens.count else {
                rows.removeAll(keepingCapacity: true)
                return
            }
            rows.append(place == .first ? tokens.lowerBound + first : tokens.upperBound - 1)
        }
    }
}
