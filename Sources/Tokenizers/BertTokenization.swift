/// BERT's whole pipeline in one pass over the text: ids without offsets.
///
/// Normalizer and pre-tokenizer act scalar by scalar, so their joint effect on each scalar is in a
/// table; a word of ASCII letters is then hashed where it lies and found in the vocabulary, and no
/// normalized copy of the text is made. The one thing that is not scalar by scalar is canonical
/// ordering among marks that stay: a text with one is left to the plain pipeline.
struct BertTokenization: Sendable {
    /// What becomes of an ASCII byte; values from `firstKept` are the byte to keep.
    private enum ByteAction {
        static let delete: UInt8 = 0
        static let separate: UInt8 = 1
        static let isolate: UInt8 = 2
        static let decode: UInt8 = 3
        static let firstKept: UInt8 = 4
    }

    private let model: WordPiece
    private let actions: [UInt8]
    private let scalars: BertScalarTable

    /// The pass for these components, or nil when they are not BERT's.
    init?(
        normalizer: Normalizer?, preTokenizer: PreTokenizer?, model: TokenModel,
        hasNormalizedTokens: Bool
    ) {
        guard case .bert(let bert) = normalizer, case .bert = preTokenizer,
            case .wordPiece(let wordPiece) = model, !hasNormalizedTokens,
            wordPiece.wordScalarsMaximum <= 1000
        else { return nil }
        self.model = wordPiece
        let scalars = BertScalarTable(bert)
        self.scalars = scalars
        actions = (0..<256).map { byte in
            guard byte < 0x80 else { return ByteAction.decode }
            let scalar = UInt32(byte)
            switch scalars[scalar] {
            case .keep(let image): return UInt8(truncatingIfNeeded: image)
            case .delete: return ByteAction.delete
            case .separate: return ByteAction.separate
            // An isolated byte is never a letter, so it is its own image.
            case .isolate: return ByteAction.isolate
            case .expand, .letters, .irregular: return ByteAction.decode
            }
        }
    }

    /// A word that could not be read where it lies in the text.
    private struct Word {
        var bytes: [UInt8] = []
        /// At `i` the hash of the first `i` bytes.
        var hashes: [UInt64] = [0]
        var scalars = 0

        @inline(__always)
        mutating func append(_ byte: UInt8) {
            bytes.append(byte)
            hashes.append(Vocabulary.Hash.appending(byte, to: hashes[hashes.count - 1]))
        }

        mutating func clear() {
            bytes.removeAll(keepingCapacity: true)
            hashes.removeAll(keepingCapacity: true)
            hashes.append(0)
            scalars = 0
        }
    }

    /// Appends the ids of a stretch of text, stopping soon after there are `limit` ids.
    ///
    /// - Returns: false when the text needs the plain pipeline; `ids` is then of no use.
    func appendIDs(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, limit: Int, to ids: inout [Int32]
    ) -> Bool {
        let actions = actions
        var word = Word()
        var position = range.lowerBound
        while position < range.upperBound, ids.count < limit {
            let start = position
            var hash: UInt64 = 0
            var action = ByteAction.separate
            while position < range.upperBound {
                action = actions[Int(text[position])]
                guard action >= ByteAction.firstKept else { break }
                hash = Vocabulary.Hash.appending(action, to: hash)
                position += 1
            }
            let isAtEnd = position == range.upperBound
            let endsWord = isAtEnd || action == ByteAction.separate || action == ByteAction.isolate
            if position > start {
                if endsWord, word.scalars == 0 {
                    if position - start <= model.wordScalarsMaximum,
                        let id = model.vocabulary.id(
                            of: text, start..<position, hash: hash, mapped: actions)
                    {
                        ids.append(id)
                    } else {
                        collect(text, start..<position, into: &word)
                        finish(&word, into: &ids)
                    }
                } else {
                    collect(text, start..<position, into: &word)
                }
            }
            if endsWord { finish(&word, into: &ids) }
            if isAtEnd { break }
            switch action {
            case ByteAction.separate, ByteAction.delete: position += 1
            case ByteAction.isolate:
                isolate(UInt32(text[position]), &word, into: &ids)
                position += 1
            default:
                guard take(text, &position, &word, into: &ids) else { return false }
            }
        }
        if ids.count < limit { finish(&word, into: &ids) }
        return true
    }

    /// Adds a run of ASCII to the word, mapped.
    private func collect(_ text: borrowing Span<UInt8>, _ run: Range<Int>, into word: inout Word) {
        // Beyond the limit only the number of scalars matters.
        let room = max(0, model.wordScalarsMaximum - word.scalars)
        for position in run.prefix(room) { word.append(actions[Int(text[position])]) }
        word.scalars += run.count
    }

    @inline(__always)
    private func keep(_ scalar: UInt32, _ word: inout Word) {
        word.scalars += 1
        guard word.scalars <= model.wordScalarsMaximum else { return }
        UTF8Scalars.encode(scalar) { word.append($0) }
    }

    private func isolate(_ scalar: UInt32, _ word: inout Word, into ids: inout [Int32]) {
        finish(&word, into: &ids)
        keep(scalar, &word)
        finish(&word, into: &ids)
    }

    private func finish(_ word: inout Word, into ids: inout [Int32]) {
        guard word.scalars > 0 else { return }
        if word.scalars > model.wordScalarsMaximum {
            ids.append(model.unknownID)
        } else {
            model.appendIDs(
                word.bytes.span, count: word.bytes.count, prefixHashes: word.hashes.span,
                into: &ids)
        }
        word.clear()
    }

    /// Takes one scalar that is not plain ASCII; false when the text is irregular.
    private func take(
        _ text: borrowing Span<UInt8>, _ position: inout Int, _ word: inout Word,
        into ids: inout [Int32]
    ) -> Bool {
        let (scalar, length) = UTF8Scalars.decode(text, at: position)
        position += length
        switch scalars[scalar] {
        case .expand(let first, let count):
            for index in first..<first + count {
                guard perform(scalars.expansion(index), &word, into: &ids) else { return false }
            }
        case .letters:
            Hangul.forEachLetter(of: scalar) { keep($0, &word) }
        case let action: return perform(action, &word, into: &ids)
        }
        return true
    }

    @inline(__always)
    private func perform(
        _ action: BertScalarTable.Action, _ word: inout Word, into ids: inout [Int32]
    ) -> Bool {
        switch action {
        case .keep(let image): keep(image, &word)
        case .delete: break
        case .separate: finish(&word, into: &ids)
        case .isolate(let image): isolate(image, &word, into: &ids)
        case .expand, .letters, .irregular: return false
        }
        return true
    }
}
