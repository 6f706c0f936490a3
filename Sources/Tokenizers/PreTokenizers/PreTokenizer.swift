/// A step that cuts normalized text into words: the `pre_tokenizer` of `tokenizer.json`.
indirect enum PreTokenizer: Sendable, Equatable {
    case bert
    case whitespaceSplit
    /// Words and runs of other signs.
    case whitespace
    case punctuation(SplitBehavior)
    case digits(isIndividual: Bool)
    case delimiter([UInt8])
    case fixedLength(Int)
    /// Runs of one script.
    case scripts
    case split(SplitPattern, SplitBehavior, isInverted: Bool)
    case byteLevel(addsPrefixSpace: Bool, splitsWords: Bool)
    /// As `byteLevel`, but the bytes stay as they are.
    case byteLevelWords(addsPrefixSpace: Bool, splitsWords: Bool)
    case metaspace(Metaspace)
    case sequence([PreTokenizer])

    func preTokenize(_ text: inout PreTokenizedText) {
        switch self {
        case .bert:
            text.split(at: .whiteSpace, .removed)
            text.split(at: .punctuation8, .isolated)
        case .whitespaceSplit: text.split(at: .whiteSpace, .removed)
        case .whitespace: text.splitIntoWords()
        case .punctuation(let behavior): text.split(at: .punctuation8, behavior)
        case .digits(let isIndividual):
            text.split(at: .numeric, isIndividual ? .isolated : .contiguous)
        case .delimiter(let scalar): text.split(at: .literal(scalar), .removed)
        case .fixedLength(let length): text.split(every: length)
        case .scripts: text.splitByScripts()
        case .split(let pattern, let behavior, let isInverted):
            text.split(at: pattern, behavior, isInverted: isInverted)
        case .byteLevel(let addsPrefixSpace, let splitsWords):
            PreTokenizer.byteLevelWords(
                addsPrefixSpace: addsPrefixSpace, splitsWords: splitsWords
            ).preTokenize(&text)
            text.spellBytes()
        case .byteLevelWords(let addsPrefixSpace, let splitsWords):
            if addsPrefixSpace { text.prependSpaces() }
            if splitsWords { text.split(at: .words(.gpt2), .isolated) }
        case .metaspace(let metaspace): metaspace.preTokenize(&text)
        case .sequence(let steps):
            for step in steps { step.preTokenize(&text) }
        }
    }

    /// The same without the spelling of bytes with which it ends; nil when it ends with none.
    var unspelled: PreTokenizer? {
        switch self {
        case .byteLevel(let addsPrefixSpace, let splitsWords):
            return .byteLevelWords(addsPrefixSpace: addsPrefixSpace, splitsWords: splitsWords)
        case .sequence(let steps):
            guard let last = steps.last?.unspelled else { return nil }
            return .sequence(steps.dropLast() + [last])
        default: return nil
        }
    }
}

/// SentencePiece's visible space: spaces become `▁`, and words begin with it.
struct Metaspace: Sendable, Equatable {
    /// Which pieces get a `▁` before them.
    enum Scheme: String, Sendable, CaseIterable {
        case always, never
        /// Only a piece at the very beginning of the text.
        case first
    }

    /// What stands for a space, UTF-8.
    var replacement: [UInt8]
    var scheme: Scheme
    /// Whether each replacement begins a new piece.
    var splits: Bool

    func preTokenize(_ text: inout PreTokenizedText) {
        text.rewrite { text, range, new in
            // What stands for a space is one scalar, so its first byte is no space unless it is one.
            let first = text.bytes[range.lowerBound]
            let starts =
                first == 0x20
                || (first == replacement[0] && text.bytes[range].starts(with: replacement))
            if !starts, isPrepended(at: text.start(at: range.lowerBound)) {
                new.append(replacement, from: text, at: range.lowerBound)
            }
            new.appendReplaced(text, range, .literal([0x20]), with: replacement)
        }
        if splits { text.split(at: .literal(replacement), .mergedWithNext) }
    }

    /// Whether a piece that begins at a place of the original text gets a `▁`.
    private func isPrepended(at start: Int32) -> Bool {
        switch scheme {
        case .always: true
        case .first: start == 0
        case .never: false
        }
    }
}

extension PreTokenizedText {
    /// Cuts at the scalars of a class.
    mutating func split(at classes: ScalarClasses, _ behavior: SplitBehavior) {
        split(at: .run(classes, atLeast: 1, atMost: 1), behavior)
    }

    /// Cuts at the matches of a pattern, or at what is between them.
    mutating func split(
        at pattern: SplitPattern, _ behavior: SplitBehavior, isInverted: Bool = false
    ) {
        split { text, range, emit in
            if behavior == .isolated {
                pattern.forEachStretch(text.bytes.span, range) { stretch, _ in emit(stretch) }
                return
            }
            var pending: SplitBehavior.Stretch?
            pattern.forEachStretch(text.bytes.span, range) { stretch, isMatch in
                let isMatch = isMatch != isInverted
                if behavior == .removed {
                    if !isMatch { emit(stretch) }
                } else if let (range, wasMatch) = pending,
                    behavior.joins(isMatch, after: wasMatch)
                {
                    pending = (range.lowerBound..<stretch.upperBound, isMatch)
                } else {
                    if let pending { emit(pending.range) }
                    pending = (stretch, isMatch)
                }
            }
            if let pending { emit(pending.range) }
        }
    }

    /// Keeps runs of `\w` and runs of what is neither `\w` nor white space.
    mutating func splitIntoWords() {
        split(at: .whiteSpace, .removed)
        split { text, range, emit in
            var start = range.lowerBound
            var wasWord: Bool?
            text.forEachScalar(in: range) { scalar, position in
                let isWord = ScalarClasses.contains(scalar, .word)
                if let wasWord, wasWord != isWord {
                    emit(start..<position)
                    start = position
                }
                wasWord = isWord
            }
            emit(start..<range.upperBound)
        }
    }

    /// Cuts where the script changes; what is before the first scalar of a script goes.
    mutating func splitByScripts() {
        let scripts = Scripts.table
        split { text, range, emit in
            var start: Int?
            var last = Scripts.any
            text.forEachScalar(in: range) { scalar, position in
                let script = scripts[scalar]
                guard script != Scripts.any, script != last else { return }
                if let start { emit(start..<position) }
                start = position
                last = script
            }
            if let start { emit(start..<range.upperBound) }
        }
    }

    /// Cuts into pieces of so many scalars.
    mutating func split(every length: Int) {
        split { text, range, emit in
            var start = range.lowerBound
            var scalars = 0
            text.forEachScalar(in: range) { _, position in
                if scalars == length {
                    emit(start..<position)
                    start = position
                    scalars = 0
                }
                scalars += 1
            }
            emit(start..<range.upperBound)
        }
    }
}
