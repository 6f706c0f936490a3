/// The word patterns of o200k and of Mistral's Tekken, which end a word before a capital letter.
///
///     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+
///     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*
///
/// each with a contraction behind it in o200k, then digits, other signs and white space.
struct CasedWordPattern: Sendable, Equatable {
    /// Digits in one piece at most.
    private let digitsMaximum: Int
    /// Whether `(?i:'s|'t|'re|'ve|'m|'ll|'d)` belongs to the word before it.
    private let takesContractions: Bool

    /// o200k: GPT-4o, gpt-oss, Llama 4.
    static let o200k = CasedWordPattern(digitsMaximum: 3, takesContractions: true)
    /// Tekken: Mistral's tokenizers since NeMo.
    static let tekken = CasedWordPattern(digitsMaximum: 1, takesContractions: false)

    /// The end of a match at `position`, which is before the scanner's end.
    func match(
        _ text: borrowing Span<UInt8>, at position: Int, _ scanner: ScalarScanner
    ) -> Int? {
        guard let first = scanner.scalar(text, at: position) else { return nil }
        if let end = word(text, at: position, first, scanner) {
            guard takesContractions else { return end }
            return WordPattern.contraction(text, at: end, scanner, ignoringCase: true) ?? end
        }
        let (end, count) = scanner.run(text, at: position, atMost: digitsMaximum) {
            $0 & ScalarClasses.number.rawValue != 0
        }
        if count > 0 { return end }
        if let end = symbols(text, at: position, first.scalar, scanner) { return end }
        return scanner.space(text, at: position, breaksLines: true)
    }

    /// The end of a word: capitals, then the longest run of small letters behind them.
    ///
    /// Where no small letter follows, the pattern gives back capitals up to the last scalar that
    /// both sets have; where there is none of those either, the capitals are the word.
    private func word(
        _ text: borrowing Span<UInt8>, at position: Int,
        _ first: (scalar: UInt32, classes: UInt32, next: Int), _ scanner: ScalarScanner
    ) -> Int? {
        let isLead = WordPattern.isLead(first.scalar, first.classes)
        let start = isLead ? first.next : position
        var capitalsEnd = start
        var sharedEnd: Int?
        while let (_, classes, next) = scanner.scalar(text, at: capitalsEnd),
            Self.isCapital(classes)
        {
            if Self.isSmall(classes) { sharedEnd = next }
            capitalsEnd = next
        }
        let end = scanner.run(text, at: capitalsEnd) { Self.isSmall($1) }
        if end > capitalsEnd { return end }
        if let sharedEnd { return sharedEnd }
        // A mark before the word, which may be its lead, is in both sets.
        if isLead, Self.isSmall(first.classes) { return first.next }
        return capitalsEnd > start ? capitalsEnd : nil
    }

    private static let letterOrMark = ScalarClasses.letter.union(.mark).rawValue

    @inline(__always)
    private static func isCapital(_ classes: UInt32) -> Bool {
        classes & letterOrMark != 0 && classes & ScalarClasses.lower.rawValue == 0
    }

    @inline(__always)
    private static func isSmall(_ classes: UInt32) -> Bool {
        classes & letterOrMark != 0 && classes & ScalarClasses.upper.rawValue == 0
    }

    /// The end of ` ?[^\s\p{L}\p{N}]+[\r\n/]*`.
    private func symbols(
        _ text: borrowing Span<UInt8>, at position: Int, _ first: UInt32, _ scanner: ScalarScanner
    ) -> Int? {
        let others = ScalarClasses.letter.union([.number, .regexSpace]).rawValue
        let start = first == 0x20 ? position + 1 : position
        var end = scanner.run(text, at: start) { $1 & others == 0 }
        guard end > start else { return nil }
        while end < scanner.end, [0x0A, 0x0D, 0x2F].contains(text[end]) { end += 1 }
        return end
    }
}
