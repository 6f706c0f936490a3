/// One text as a model reads it: token ids and where each came from.
///
/// All arrays have one element per token, special tokens included.
package struct Encoding: Sendable, Equatable {
    /// Rows of the model's embedding table.
    package var ids: [Int32]
    /// Segment of each token: 0, or 1 for the second text of a pair.
    package var typeIDs: [Int32]
    /// UTF-8 byte range of each token in the original text; nil for tokens which the
    /// post-processor added.
    package var offsets: [Range<Int>?]
    /// Whether the post-processor added the token (a special token written in the text is not one).
    package var isSpecial: [Bool]
    /// Whether tokens were dropped to respect the maximum length.
    package var isTruncated: Bool

    package init(
        ids: [Int32] = [], typeIDs: [Int32] = [], offsets: [Range<Int>?] = [],
        isSpecial: [Bool] = [], isTruncated: Bool = false
    ) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.offsets = offsets
        self.isSpecial = isSpecial
        self.isTruncated = isTruncated
    }
}

/// Which end of a text goes when it is too long.
package enum TruncationSide: String, Sendable {
    case left, right
}

extension Encoding {
    /// The `count` tokens at the end that stays; all of them when nil.
    func truncated(to count: Int?, side: TruncationSide) -> Encoding {
        guard let count, ids.count > count else { return self }
        let kept = side == .right ? 0..<count : ids.count - count..<ids.count
        return Encoding(
            ids: Array(ids[kept]), typeIDs: Array(typeIDs[kept]), offsets: Array(offsets[kept]),
            isSpecial: Array(isSpecial[kept]), isTruncated: true)
    }
}
