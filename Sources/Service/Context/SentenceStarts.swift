/// Where sentences begin in a text, near enough to cut it there.
///
/// A sentence ends after a full stop, a question or an exclamation mark, with the closing quotes and
/// brackets behind it, when white space follows; the marks of Chinese and Japanese need none. A full
/// stop does not end one before a small letter, nor after a single letter (an initial), as in Unicode's
/// UAX #29, rules SB6 to SB8. A blank line ends one in any case.
package struct SentenceStarts {
    /// UTF-8 byte offsets, increasing, the first 0.
    package private(set) var offsets = [0]

    package init(_ text: String) {
        var state = Scan()
        var offset = 0
        for scalar in text.unicodeScalars {
            if state.take(scalar), offset > 0 { offsets.append(offset) }
            offset += UTF8.width(scalar)
        }
    }

    /// What was seen so far, one scalar at a time.
    private struct Scan {
        private enum End { case none, stop, strong, ideographic }

        private var end = End.none
        private var hasSpace = false
        private var lineBreaks = 0
        /// Letters of the word so far.
        private var letters = 0

        /// Whether a sentence begins at `scalar`.
        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            if scalar.properties.isWhitespace {
                if scalar == "\n" || scalar == "\u{2029}" {
                    lineBreaks += scalar == "\n" ? 1 : 2
                }
                hasSpace = true
                if end == .none { letters = 0 }
                return false
            }
            let starts = isStart(scalar)
            if starts || hasSpace || lineBreaks > 0 { (lineBreaks, hasSpace) = (0, false) }
            if starts { (end, letters) = (.none, 0) }
            note(scalar)
            return starts
        }

        private func isStart(_ scalar: Unicode.Scalar) -> Bool {
            if lineBreaks >= 2 { return true }
            switch end {
            case .none: return false
            case .ideographic: return hasSpace || !Self.continues(scalar)
            case .strong: return hasSpace
            case .stop: return hasSpace && !scalar.properties.isLowercase && letters != 1
            }
        }

        private mutating func note(_ scalar: Unicode.Scalar) {
            switch scalar {
            case ".", "\u{2026}": end = end == .strong ? .strong : .stop
            case "!", "?", "\u{203C}", "\u{203D}", "\u{2047}"..."\u{2049}", "\u{61F}", "\u{6D4}",
                "\u{964}", "\u{965}":
                end = .strong
            case "\u{3002}", "\u{FF01}", "\u{FF1F}", "\u{FF61}": end = .ideographic
            default:
                if end != .none, Self.continues(scalar) { return }
                if end != .none { (end, letters) = (.none, 0) }
                letters = scalar.properties.isAlphabetic ? letters + 1 : 0
            }
        }

        /// Whether a scalar behind the end of a sentence still belongs to it.
        private static func continues(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .closePunctuation, .finalPunctuation: true
            default:
                [".", "!", "?", "\"", "'", "\u{3002}", "\u{FF01}", "\u{FF1F}"].contains(scalar)
            }
        }
    }
}
