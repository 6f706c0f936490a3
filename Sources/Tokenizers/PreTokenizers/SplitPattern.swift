/// A pattern at which text is split or replaced, with a matcher written by hand.
///
/// Tokenizer files carry regular expressions, but only a few different ones; each that is known here
/// has a matcher with the meaning which the reference's engine (Oniguruma) gives it: leftmost, first
/// alternative first. Matchers look at each scalar a bounded number of times.
enum SplitPattern: Sendable, Equatable {
    /// A text as it stands.
    case literal([UInt8])
    /// One or more scalars of a class, at most so many.
    case run(ScalarClasses, atLeast: Int, atMost: Int)
    /// One or more spaces (U+0020), at least so many.
    case spaces(atLeast: Int)
    /// A family of word patterns.
    case words(WordPattern)
    /// Word patterns which know capital letters.
    case casedWords(CasedWordPattern)
    /// The first of some patterns that matches.
    case firstOf([SplitPattern])
    /// DeepSeek's words: punctuation before ASCII letters, marks within words.
    case deepSeekWords
    /// DeepSeek's runs of kana and ideographs.
    case deepSeekIdeographs

    /// The pattern of a regular expression, or nil when it is not known.
    init?(regex: String) {
        // Some files write a line break itself and some its escape.
        var key: [UInt8] = []
        for byte in regex.utf8 {
            switch byte {
            case 0x09: key += Array(#"\t"#.utf8)
            case 0x0A: key += Array(#"\n"#.utf8)
            case 0x0D: key += Array(#"\r"#.utf8)
            default: key.append(byte)
            }
        }
        guard let known = Self.known[key] else { return nil }
        self = known
    }

    /// Calls `emit` with each stretch of the range in order, and whether it is a match.
    func forEachStretch(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>,
        _ emit: (Range<Int>, _ isMatch: Bool) -> Void
    ) {
        let scanner = ScalarScanner(end: range.upperBound)
        var done = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            if let end = match(text, at: position, scanner), end > position {
                if done < position { emit(done..<position, false) }
                emit(position..<end, true)
                position = end
                done = end
            } else {
                position += UTF8Scalars.length(startingWith: text[position])
            }
        }
        if done < range.upperBound { emit(done..<range.upperBound, false) }
    }

    /// The end of a match at `position`.
    private func match(
        _ text: borrowing Span<UInt8>, at position: Int, _ scanner: ScalarScanner
    ) -> Int? {
        switch self {
        case .literal(let bytes):
            return scanner.literal(text, bytes, at: position)
        case .run(let classes, let least, let most):
            let (end, count) = scanner.run(text, at: position, atMost: most) {
                $0 & classes.rawValue != 0
            }
            return count >= least ? end : nil
        case .spaces(let least):
            var end = position
            while end < scanner.end, text[end] == 0x20 { end += 1 }
            return end - position >= least ? end : nil
        case .words(let pattern): return pattern.match(text, at: position, scanner)
        case .casedWords(let pattern): return pattern.match(text, at: position, scanner)
        case .firstOf(let patterns):
            for pattern in patterns {
                if let end = pattern.match(text, at: position, scanner) { return end }
            }
            return nil
        case .deepSeekWords: return DeepSeekPattern.match(text, at: position, scanner)
        case .deepSeekIdeographs:
            let end = scanner.run(text, at: position, where: DeepSeekPattern.isIdeograph)
            return end > position ? end : nil
        }
    }
}

/// Steps through the scalars of a text up to its end.
struct ScalarScanner {
    /// Where the text ends, for the purposes of a pattern.
    let end: Int
    private let classes = ScalarClasses.table

    init(end: Int) {
        self.end = end
    }

    /// The scalar at a place, its classes and the place behind it; nil at the end.
    @inline(__always)
    func scalar(
        _ text: borrowing Span<UInt8>, at position: Int
    ) -> (scalar: UInt32, classes: UInt32, next: Int)? {
        guard position < end else { return nil }
        let (scalar, length) = UTF8Scalars.decode(text, at: position)
        return (scalar, classes[scalar], position + length)
    }

    /// Where a run of scalars whose classes satisfy `isMember` ends, and how many there are.
    @inline(__always)
    func run(
        _ text: borrowing Span<UInt8>, at position: Int, atMost limit: Int,
        where isMember: (UInt32) -> Bool
    ) -> (end: Int, count: Int) {
        var place = position
        var count = 0
        while count < limit, let (_, classes, next) = scalar(text, at: place), isMember(classes) {
            place = next
            count += 1
        }
        return (place, count)
    }

    /// Where a run of scalars which satisfy `isMember(scalar, classes)` ends.
    @inline(__always)
    func run(
        _ text: borrowing Span<UInt8>, at position: Int,
        where isMember: (_ scalar: UInt32, _ classes: UInt32) -> Bool
    ) -> Int {
        var place = position
        while let (scalar, classes, next) = scalar(text, at: place), isMember(scalar, classes) {
            place = next
        }
        return place
    }

    /// The place behind `bytes`, if they stand at `position`.
    func literal(_ text: borrowing Span<UInt8>, _ bytes: [UInt8], at position: Int) -> Int? {
        guard !bytes.isEmpty, bytes.count <= end - position else { return nil }
        for (offset, byte) in bytes.enumerated() where text[position + offset] != byte {
            return nil
        }
        return position + bytes.count
    }

    /// The end of `[\r\n]*`.
    @inline(__always)
    func lineBreaks(_ text: borrowing Span<UInt8>, at position: Int) -> Int {
        var place = position
        while place < end, text[place] == 0x0A || text[place] == 0x0D { place += 1 }
        return place
    }

    /// The end of `\s*[\r\n]+|\s+(?!\S)|\s+`, whose first part is tried only if `breaksLines`.
    @inline(__always)
    func space(
        _ text: borrowing Span<UInt8>, at position: Int, breaksLines: Bool
    ) -> Int? {
        var place = position
        var last = position
        var afterBreak = position
        while let (scalar, classes, next) = scalar(text, at: place),
            classes & ScalarClasses.regexSpace.rawValue != 0
        {
            last = place
            place = next
            if scalar == 0x0A || scalar == 0x0D { afterBreak = next }
        }
        guard place > position else { return nil }
        if breaksLines, afterBreak > position { return afterBreak }
        // The last space of a run stays for the word behind it.
        return place == end || last == position ? place : last
    }
}
