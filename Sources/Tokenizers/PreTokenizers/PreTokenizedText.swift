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
    private(set) var text: AlignedText
    private(set) var splits: [Split] = []

    /// Nothing yet, of a text whose origins are tracked or not.
    init(isTracked: Bool) {
        text = AlignedText(isTracked: isTracked)
    }

    /// One piece, the whole text.
    init(_ text: consuming AlignedText) {
        if !text.isEmpty { splits.append(Split(range: 0..<text.count)) }
        self.text = text
    }

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

    /// Makes each piece that is no token anew: `change` appends its new bytes to a text.
    mutating func rewrite(
        _ change: (_ text: borrowing AlignedText, _ range: Range<Int>, _ new: inout AlignedText) ->
            Void
    ) {
        var new = PreTokenizedText(isTracked: text.isTracked)
        new.text.reserve(text.count + splits.count)
        new.splits.reserveCapacity(splits.count)
        for split in splits {
            if split.addedToken != nil {
                new.append(text, split.range, token: split.addedToken)
                continue
            }
            let start = new.text.count
            change(text, split.range, &new.text)
            guard new.text.count > start else { continue }
            new.splits.append(Split(range: start..<new.text.count))
        }
        self = new
    }

    /// Spells every byte of the pieces that are no tokens as a printable scalar.
    mutating func spellBytes() {
        rewrite { text, range, new in new.appendSpelled(text, range) }
    }

    /// Puts a space before the pieces that begin with none.
    mutating func prependSpaces() {
        rewrite { text, range, new in
            if text.bytes[range.lowerBound] != 0x20 {
                new.append([0x20], from: text, at: range.lowerBound)
            }
            new.append(text, range)
        }
    }
}
