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
    /// SentencePiece's own use of such a map, white space and all.
    case sentencePiece(SentencePieceMap)
    /// Every byte becomes a printable scalar.
    case byteLevel
    case sequence([Normalizer])

    func normalize(_ text: inout AlignedText) {
        switch self {
        case .bert(let bert): bert.normalize(&text)
        case .lowercase: text.lowercase()
        case .decompose(let isCompatible):
            text.decompose(by: isCompatible ? .compatibility : .canonical)
        case .compose(let isCompatible): text.compose(isCompatible: isCompatible)
        case .stripAccents: text.filter { !ScalarClasses.contains($0, .mark9) }
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .nmt:
            text.filter { !ScalarClasses.contains($0, .nmtDeleted) }
            text.map { ScalarClasses.contains($0, .nmtSpace) ? 0x20 : $0 }
        case .prepend(let bytes): text.prepend(bytes)
        case .replace(let pattern, let content): text.replace(pattern, with: content)
        case .precompiled(let map): map.normalize(&text)
        case .sentencePiece(let map): map.normalize(&text)
        case .byteLevel: text.spellBytes()
        case .sequence(let steps):
            for step in steps { step.normalize(&text) }
        }
    }
}

extension AlignedText {
    /// Lower case, scalar by scalar.
    mutating func lowercase() {
        guard !bytes.allSatisfy({ $0 < 0x80 && !(0x41...0x5A).contains($0) }) else { return }
        let mappings = ScalarMappings.lower
        transform(edits { scalar, emit in mappings.forEach(of: scalar, emit) })
    }

    /// Drops white space at the ends.
    mutating func strip(left: Bool, right: Bool) {
        // Most texts have nothing to strip: ASCII above the space at both ends.
        if let first = bytes.first, let last = bytes.last, 0x21..<0x7F ~= first, 0x21..<0x7F ~= last
        {
            return
        }
        var kept: [Edit] = []
        var leading = 0
        var trailing = 0
        let classes = ScalarClasses.table
        forEachScalar { scalar, _ in
            let isSpace = classes[scalar] & ScalarClasses.whiteSpace.rawValue != 0
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
        var new = AlignedText(isTracked: isTracked)
        new.reserve(count + prefix.count)
        new.append(prefix, from: self, at: 0)
        new.append(self, 0..<count)
        replaceContents(new)
    }

    /// Replaces each match of a pattern; what comes in has the origin of the match's last byte.
    mutating func replace(_ pattern: SplitPattern, with content: [UInt8]) {
        var new = AlignedText(isTracked: isTracked)
        new.reserve(count)
        new.appendReplaced(self, 0..<count, pattern, with: content)
        replaceContents(new)
    }

    /// Appends a range of another text with the matches of a pattern replaced.
    mutating func appendReplaced(
        _ other: borrowing AlignedText, _ range: Range<Int>, _ pattern: SplitPattern,
        with content: [UInt8]
    ) {
        pattern.forEachStretch(other.bytes.span, range) { stretch, isMatch in
            if isMatch {
                append(content, from: other, at: stretch.upperBound - 1)
            } else {
                append(other, stretch)
            }
        }
    }

    /// Spells every byte as a printable scalar, as GPT-2 does.
    mutating func spellBytes() {
        var new = AlignedText(isTracked: isTracked)
        new.reserve(count * 2)
        new.appendSpelled(self, 0..<count)
        replaceContents(new)
    }

    /// Appends a range of another text with every byte spelled as a printable scalar.
    mutating func appendSpelled(_ other: borrowing AlignedText, _ range: Range<Int>) {
        let spellings = ByteSpelling.scalars
        for position in range {
            let (start, end) = (other.start(at: position), other.end(at: position))
            UTF8Scalars.encode(spellings[Int(other.bytes[position])]) {
                append($0, from: start, to: end)
            }
        }
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

    /// The byte for which each scalar stands.
    static let bytesOfScalars = Dictionary(
        zip(scalars, UInt8.min...UInt8.max), uniquingKeysWith: { first, _ in first })

    /// The bytes which a spelling stands for; nil where a scalar stands for none.
    static func read(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, _ bytesOfScalars: [UInt32: UInt8]
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let (scalar, length) = UTF8Scalars.decode(text, at: position)
            guard let byte = bytesOfScalars[scalar] else { return nil }
            bytes.append(byte)
            position += length
        }
        return bytes
    }

    /// The scalar which stands for a space.
    static let space: UInt32 = 0x120
}
