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

    /// The pieces which stretches make, in order; the stretches cover the text.
    func pieces(_ stretches: [Stretch]) -> [Range<Int>] {
        switch self {
        case .removed: stretches.lazy.filter { !$0.isMatch }.map(\.range)
        case .isolated: stretches.map(\.range)
        case .contiguous: Self.fold(stretches) { $0 == $1 }
        case .mergedWithPrevious: Self.fold(stretches) { $0 && !$1 }
        case .mergedWithNext: Self.fold(stretches.reversed()) { $0 && !$1 }.reversed()
        }
    }

    /// Joins a stretch to the one before it where `joins(isMatch, wasMatch)`.
    private static func fold(
        _ stretches: some Sequence<Stretch>, _ joins: (Bool, Bool) -> Bool
    ) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var wasMatch = false
        for (range, isMatch) in stretches {
            if joins(isMatch, wasMatch), let last = pieces.popLast() {
                pieces.append(
                    min(last.lowerBound, range.lowerBound)..<max(last.upperBound, range.upperBound))
            } else {
                pieces.append(range)
            }
            wasMatch = isMatch
        }
        return pieces
    }
}
