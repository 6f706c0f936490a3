/// Normalized text cut into pieces, some of which are tokens already.
struct PreTokenizedText: Sendable {
    /// A piece of the text, never empty.
    struct Split: Sendable, Equatable {
        /// Bytes in `text`.
        var range: Range<Int>
        /// The added token which this piece is, if it is one.
        var addedToken: Int32?
    }

    /// All pieces' normalized bytes, one behind the other.
    private(set) var text = AlignedText()
    private(set) var splits: [Split] = []

    init() {}

    /// Appends a piece of another text.
    mutating func append(_ other: borrowing AlignedText, _ range: Range<Int>, token: Int32? = nil) {
        guard !range.isEmpty else { return }
        let start = text.count
        text.append(other, range)
        splits.append(Split(range: start..<text.count, addedToken: token))
    }

    /// Replaces each piece that is no token by the parts which `cut` reports.
    mutating func split(
        _ cut: (_ text: borrowing AlignedText, _ range: Range<Int>, _ emit: (Range<Int>) -> Void)
            -> Void
    ) {
        var new: [Split] = []
        new.reserveCapacity(splits.count)
        for split in splits {
            if split.addedToken != nil {
                new.append(split)
                continue
            }
            cut(text, split.range) { part in
                if !part.isEmpty { new.append(Split(range: part, addedToken: nil)) }
            }
        }
        splits = new
    }

    /// Rewrites each piece that is no token.
    mutating func rewrite(_ change: (inout AlignedText) -> Void) {
        var new = PreTokenizedText()
        new.text.reserve(text.count)
        for split in splits {
            var piece = text.slice(split.range)
            if split.addedToken == nil { change(&piece) }
            new.append(piece, 0..<piece.count, token: split.addedToken)
        }
        self = new
    }

    /// Spells every byte of the pieces that are no tokens as a printable scalar.
    mutating func spellBytes() {
        rewrite { $0.spellBytes() }
    }
}
