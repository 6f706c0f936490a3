/// A step that rewrites text before it is split: the `normalizer` of `tokenizer.json`.
indirect enum Normalizer: Sendable {
    case bert(BertNormalizer)
    case lowercase
    case decompose(isCompatible: Bool)
    case compose(isCompatible: Bool)
    /// Drops marks.
    case stripAccents
    /// Drops white space at the ends.
    case strip(left: Bool, right: Bool)
    /// SentencePiece's white space and control rules.
    case nmt
    /// Puts text before text that is not empty.
    case prepend([UInt8])
    case replace(SplitPattern, [UInt8])
    /// SentencePiece's compiled character map.
    case precompiled(PrecompiledMap)
    /// Every byte becomes a printable scalar.
    case byteLevel
    case sequence([Normalizer])

    func normalize(_ text: inout AlignedText) {
        switch self {
        case .bert(let bert): bert.normalize(&text)
        case .lowercase: text.lowercase()
        case .decompose(let isCompatible):
            text.decompose(by: isCompatible ? .compatibility : .canonical)
        case .compose(let isCompatible):
            text.compose(by: isCompatible ? .compatibility : .canonical)
        case .stripAccents: text.filter { !ScalarClasses.contains($0, .mark9) }
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .nmt:
            text.filter { !ScalarClasses.contains($0, .nmtDeleted) }
            text.map { ScalarClasses.contains($0, .nmtSpace) ? 0x20 : $0 }
        case .prepend(let bytes): text.prepend(bytes)
        case .replace(let pattern, let content): text.replace(pattern, with: content)
        case .precompiled(let map): map.normalize(&text)
        case .byteLevel: text.spellBytes()
        case .sequence(let steps):
            for step in steps { step.normalize(&text) }
        }
    }
}

extension AlignedText {
    /// Lower case, scalar by scalar.
    mutating func lowercase() {
        let mappings = ScalarMappings.lower
        transform(edits { scalar, emit in mappings.forEach(of: scalar, emit) })
    }

    /// Drops white space at the ends.
    mutating func strip(left: Bool, right: Bool) {
        var kept: [Edit] = []
        var leading = 0
        var trailing = 0
        forEachScalar { scalar, _ in
            let isSpace = ScalarClasses.contains(scalar, .whiteSpace)
            if left, kept.isEmpty, isSpace {
                leading += 1
            } else {
                kept.append(Edit(scalar, 0))
                trailing = isSpace ? trailing + 1 : 0
            }
        }
        if right { kept.removeLast(min(trailing, kept.count)) }
        transform(kept, removedAtStart: leading)
    }

    /// Puts `prefix` before the text, with the origin of its first scalar.
    mutating func prepend(_ prefix: [UInt8]) {
        guard !isEmpty else { return }
        var new = AlignedText()
        new.reserve(count + prefix.count)
        for byte in prefix { new.append(byte, from: starts[0], to: ends[0]) }
        new.append(self, 0..<count)
        replaceContents(new)
    }

    /// Replaces each match of a pattern; what comes in has the origin of the match's last byte.
    mutating func replace(_ pattern: SplitPattern, with content: [UInt8]) {
        var new = AlignedText()
        new.reserve(count)
        pattern.forEachStretch(bytes.span, 0..<count) { stretch, isMatch in
            if isMatch {
                let last = stretch.upperBound - 1
                for byte in content { new.append(byte, from: starts[last], to: ends[last]) }
            } else {
                new.append(self, stretch)
            }
        }
        replaceContents(new)
    }

    /// Spells every byte as a printable scalar, as GPT-2 does.
    mutating func spellBytes() {
        let spellings = ByteSpelling.scalars
        var new = AlignedText()
        new.reserve(count * 2)
        for index in 0..<count {
            UTF8Scalars.encode(spellings[Int(bytes[index])]) {
                new.append($0, from: starts[index], to: ends[index])
            }
        }
        replaceContents(new)
    }
}

/// The printable scalars which stand for bytes in byte-level vocabularies.
enum ByteSpelling {
    /// For each byte its scalar: itself where it is printable Latin-1, else from U+0100 upwards.
    static let scalars: [UInt32] = {
        var next: UInt32 = 0x100
        return (0..<256).map { (byte: UInt32) in
            switch byte {
            case 33...126, 161...172, 174...255: return byte
            default:
                next += 1
                return next - 1
            }
        }
    }()

    /// The scalar which stands for a space.
    static let space: UInt32 = 0x120
}
