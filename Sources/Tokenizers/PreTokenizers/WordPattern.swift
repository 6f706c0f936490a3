/// The word patterns of GPT-2, Llama 3 and Qwen, which differ in a few places.
struct WordPattern: Sendable, Equatable {
    /// What may stand before the letters of a word.
    private enum Lead {
        /// ` ?`
        case space
        /// `[^\r\n\p{L}\p{N}]?`
        case anythingButBreak
    }

    /// What a word is made of.
    private let letters: ScalarClasses
    private let lead: Lead
    /// Digits in one piece at most; nil for a run with an optional space before it.
    private let digitsMaximum: Int?

    /// GPT-2, RoBERTa, and what came from them.
    static let gpt2 = WordPattern(letters: .letter, lead: .space, digitsMaximum: nil)
    /// Llama 3: up to three digits, punctuation takes line breaks.
    static let llama3 = WordPattern(letters: .letter, lead: .anythingButBreak, digitsMaximum: 3)
    /// Qwen 2 and 3: single digits.
    static let qwen2 = WordPattern(letters: .letter, lead: .anythingButBreak, digitsMaximum: 1)
    /// Qwen 3.5: single digits, marks are letters.
    static let qwen35 = WordPattern(
        letters: [.letter, .mark], lead: .anythingButBreak, digitsMaximum: 1)

    /// The end of a match at `position`, which is before the scanner's end.
    func match(
        _ text: borrowing Span<UInt8>, at position: Int, _ scanner: ScalarScanner
    ) -> Int? {
        guard let first = scanner.scalar(text, at: position) else { return nil }
        let ignoresCase = lead == .anythingButBreak
        if let end = Self.contraction(text, at: position, scanner, ignoringCase: ignoresCase) {
            return end
        }
        if let end = word(text, at: position, first, scanner) { return end }
        if let end = number(text, at: position, first, scanner) { return end }
        if let end = symbols(text, at: position, first, scanner) { return end }
        return scanner.space(text, at: position, breaksLines: lead == .anythingButBreak)
    }

    /// The end of `'s|'t|'re|'ve|'m|'ll|'d`.
    @inline(__always)
    static func contraction(
        _ text: borrowing Span<UInt8>, at position: Int, _ scanner: ScalarScanner,
        ignoringCase: Bool
    ) -> Int? {
        guard position < scanner.end, text[position] == 0x27,
            let first = scanner.scalar(text, at: position + 1)
        else { return nil }
        let letter = fold(first.scalar, ignoringCase)
        switch letter {
        case UInt32(UInt8(ascii: "s")), UInt32(UInt8(ascii: "t")), UInt32(UInt8(ascii: "m")),
            UInt32(UInt8(ascii: "d")):
            return first.next
        default: break
        }
        guard let second = scanner.scalar(text, at: first.next) else { return nil }
        switch (letter, fold(second.scalar, ignoringCase)) {
        case (0x72, 0x65), (0x76, 0x65), (0x6C, 0x6C): return second.next
        default: return nil
        }
    }

    private static func fold(_ scalar: UInt32, _ ignoresCase: Bool) -> UInt32 {
        guard ignoresCase else { return scalar }
        // U+017F, the long s, folds to s.
        if scalar == 0x17F { return 0x73 }
        return (0x41...0x5A).contains(scalar) ? scalar | 0x20 : scalar
    }

    @inline(__always)
    private func word(
        _ text: borrowing Span<UInt8>, at position: Int,
        _ first: (scalar: UInt32, classes: UInt32, next: Int), _ scanner: ScalarScanner
    ) -> Int? {
        let letters = letters.rawValue
        var start = position
        if lead == .space ? first.scalar == 0x20 : Self.isLead(first.scalar, first.classes) {
            start = first.next
        }
        var end = scanner.run(text, at: start) { $1 & letters != 0 }
        if end > start { return end }
        // The optional scalar before the letters may itself be one of them: a mark.
        end = scanner.run(text, at: position) { $1 & letters != 0 }
        return end > position ? end : nil
    }

    /// Whether a scalar is in `[^\r\n\p{L}\p{N}]`.
    @inline(__always)
    static func isLead(_ scalar: UInt32, _ classes: UInt32) -> Bool {
        scalar != 0x0A && scalar != 0x0D
            && classes & (ScalarClasses.letter.rawValue | ScalarClasses.number.rawValue) == 0
    }

    @inline(__always)
    private func number(
        _ text: borrowing Span<UInt8>, at position: Int,
        _ first: (scalar: UInt32, classes: UInt32, next: Int), _ scanner: ScalarScanner
    ) -> Int? {
        let isSpace = digitsMaximum == nil && first.scalar == 0x20
        let start = isSpace ? first.next : position
        let (end, count) = scanner.run(text, at: start, atMost: digitsMaximum ?? Int.max) {
            $0 & ScalarClasses.number.rawValue != 0
        }
        return count > 0 ? end : nil
    }

    /// The end of ` ?[^\s\p{L}\p{N}]+`, and of line breaks behind it but for GPT-2.
    @inline(__always)
    private func symbols(
        _ text: borrowing Span<UInt8>, at position: Int,
        _ first: (scalar: UInt32, classes: UInt32, next: Int), _ scanner: ScalarScanner
    ) -> Int? {
        let others = letters.union([.number, .regexSpace]).rawValue
        let start = first.scalar == 0x20 ? first.next : position
        let end = scanner.run(text, at: start) { $1 & others == 0 }
        guard end > start else { return nil }
        return lead == .anythingButBreak ? scanner.lineBreaks(text, at: end) : end
    }
}

/// The third and second patterns of DeepSeek's tokenizers.
enum DeepSeekPattern {
    /// Whether a scalar is in `[一-龥぀-ゟ゠-ヿ]`.
    static func isIdeograph(_ scalar: UInt32, _ classes: UInt32) -> Bool {
        (0x4E00...0x9FA5).contains(scalar) || (0x3040...0x30FF).contains(scalar)
    }

    private static func isAsciiLetter(_ scalar: UInt32) -> Bool {
        (0x41...0x5A).contains(scalar) || (0x61...0x7A).contains(scalar)
    }

    private static func isAsciiPunctuation(_ scalar: UInt32) -> Bool {
        (0x21...0x7E).contains(scalar) && !isAsciiLetter(scalar) && !(0x30...0x39).contains(scalar)
    }

    /// The end of a match at `position`.
    static func match(
        _ text: borrowing Span<UInt8>, at position: Int, _ scanner: ScalarScanner
    ) -> Int? {
        guard let first = scanner.scalar(text, at: position) else { return nil }
        if isAsciiPunctuation(first.scalar) {
            let end = scanner.run(text, at: first.next) { scalar, _ in isAsciiLetter(scalar) }
            if end > first.next { return end }
        }
        let letters = ScalarClasses.letter.union(.mark).rawValue
        let signs = ScalarClasses.punctuation.union(.symbol).rawValue
        if first.scalar != 0x0A, first.scalar != 0x0D,
            first.classes & (ScalarClasses.letter.rawValue | signs) == 0
        {
            let end = scanner.run(text, at: first.next) { $1 & letters != 0 }
            if end > first.next { return end }
        }
        let wordEnd = scanner.run(text, at: position) { $1 & letters != 0 }
        if wordEnd > position { return wordEnd }
        let start = first.scalar == 0x20 ? first.next : position
        let end = scanner.run(text, at: start) { $1 & signs != 0 }
        if end > start { return scanner.lineBreaks(text, at: end) }
        return scanner.space(text, at: position, breaksLines: true)
    }
}
