/// What becomes of the delimiters when text is split at matches of a pattern.
enum SplitBehavior: String, Sendable, Equatable, CaseIterable {
    /// Delimiters go.
    case removed = "Removed"
    /// Each delimiter is a piece.
    case isolated = "Isolated"
    /// A delimiter ends the piece before it.
    case mergedWithPrevious = "MergedWithPrevious"
    /// A delimiter begins the piece behind it.
    case mergedWithNext = "MergedWithNext"
    /// Each run of delimiters is a piece.
    case contiguous = "Contiguous"

    /// A stretch of text, and whether it is a delimiter.
    typealias Stretch = (range: Range<Int>, isMatch: Bool)

    /// Whether a stretch is in one piece with the stretch before it.
    ///
    /// - Parameters:
    ///   - isMatch: whether the stretch is a delimiter.
    ///   - wasMatch: whether the stretch before it is.
    @inline(__always)
    func joins(_ isMatch: Bool, after wasMatch: Bool) -> Bool {
        switch self {
        case .removed, .isolated: false
        case .contiguous: isMatch == wasMatch
        case .mergedWithPrevious: isMatch && !wasMatch
        case .mergedWithNext: !isMatch && wasMatch
        }
    }
}
