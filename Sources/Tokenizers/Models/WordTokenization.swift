/// The ids of words without ranges: the same as the model's `tokenize`, by shorter ways.
///
/// Most words of a text are one token, and which words are is known before any text: those tokens
/// which the model makes of their own spelling. Byte-level words are read where they lie in the
/// text, without the spelling of each byte as a scalar that their vocabularies have. And a word in
/// which `▁` stands for spaces, which may be a whole text, is cut where no merge can reach across.
struct WordTokenization: Sendable {
    private let model: TokenModel
    /// Words of which the model makes one token, and its id.
    private let wholeWords: Vocabulary
    /// For each byte the id of the token which spells it; empty where words are text.
    private let byteIDs: [Int32]
    /// For each byte whether some merge joins it to a `▁` behind it; empty where words are not cut.
    private let joinsSpace: [Bool]

    /// Whether words are bytes that are not spelled as scalars.
    var readsBytes: Bool { !byteIDs.isEmpty }

    /// What stands for a space in SentencePiece's vocabularies: U+2581.
    private static let space: [UInt8] = [0xE2, 0x96, 0x81]

    /// - Parameter isByteLevel: whether every byte of a word is spelled as a scalar before the model.
    init(_ model: TokenModel, isByteLevel: Bool) {
        self.model = model
        var byteIDs: [Int32] = []
        var joinsSpace: [Bool] = []
        if case .bytePairEncoding(let encoding) = model {
            if isByteLevel { byteIDs = Self.byteIDs(of: encoding) }
            if byteIDs.isEmpty { joinsSpace = Self.joinsSpace(encoding) }
        }
        self.byteIDs = byteIDs
        self.joinsSpace = joinsSpace
        wholeWords = Self.wholeWords(of: model, byteIDs: byteIDs)
    }

    /// Appends the ids of one word to the sink's ids.
    @inline(__always)
    func appendIDs(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into sink: inout TokenSink
    ) {
        if let id = wholeWords.id(of: text, word) {
            sink.ids.append(id)
            sink.steps += word.count
        } else if !byteIDs.isEmpty, case .bytePairEncoding(let encoding) = model {
            encoding.appendIDs(text, word, byteIDs: byteIDs, into: &sink)
        } else if !joinsSpace.isEmpty {
            appendParts(text, word, into: &sink)
        } else {
            appendTokens(text, word, into: &sink)
        }
    }

    private func appendTokens(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into sink: inout TokenSink
    ) {
        sink.tokens.removeAll(keepingCapacity: true)
        model.tokenize(text, word, into: &sink)
        for token in sink.tokens { sink.ids.append(token.id) }
    }

    /// Cuts a word before each `▁` that nothing joins to what is before it.
    private func appendParts(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into sink: inout TokenSink
    ) {
        var start = word.lowerBound
        var position = start + 1
        while position < word.upperBound {
            if text[position] == Self.space[0], position + 2 < word.upperBound,
                text[position + 1] == Self.space[1], text[position + 2] == Self.space[2],
                !joinsSpace[Int(text[position - 1])]
            {
                appendPart(text, start..<position, into: &sink)
                start = position
            }
            position += 1
        }
        appendPart(text, start..<word.upperBound, into: &sink)
    }

    private func appendPart(
        _ text: borrowing Span<UInt8>, _ part: Range<Int>, into sink: inout TokenSink
    ) {
        if let id = wholeWords.id(of: text, part) {
            sink.ids.append(id)
            sink.steps += part.count
        } else {
            appendTokens(text, part, into: &sink)
        }
    }

    // MARK: What is known before any text

    /// The ids of the 256 bytes; empty when one has none, or when words are decorated.
    private static func byteIDs(of encoding: BytePairEncoding) -> [Int32] {
        guard encoding.options.continuationPrefix.isEmpty, encoding.options.endSuffix.isEmpty else {
            return []
        }
        let ids = ByteSpelling.scalars.compactMap { scalar in
            var spelling: [UInt8] = []
            UTF8Scalars.encode(scalar) { spelling.append($0) }
            return encoding.vocabulary.id(of: spelling)
        }
        return ids.count == 256 ? ids : []
    }

    /// For each byte whether some merge's token has a `▁` behind it; empty when cutting is not safe.
    private static func joinsSpace(_ encoding: BytePairEncoding) -> [Bool] {
        let vocabulary = encoding.vocabulary
        // An unknown `▁` would be joined to the unknown before it, unknowns that are dropped make
        // neighbours of what is around them, and a word that is a token as it stands would not be
        // one in parts. And merges go by ids: of two tokens with one id each joins what the other does.
        guard vocabulary.id(of: space) != nil, encoding.options.unknownID != nil,
            !encoding.options.ignoresMerges, encoding.options.continuationPrefix.isEmpty,
            encoding.options.endSuffix.isEmpty, vocabulary.hasUniqueIDs
        else { return [] }
        var joins = Array(repeating: false, count: 256)
        var isMerged = Array(repeating: false, count: Int(vocabulary.ids.max() ?? -1) + 1)
        encoding.merges.forEachMerged { isMerged[Int($0)] = true }
        for entry in 0..<vocabulary.count where isMerged[Int(vocabulary.ids[entry])] {
            let token = Array(vocabulary.bytes(ofEntry: entry))
            for position in token.indices.dropFirst()
            where token[position...].starts(with: space) {
                joins[Int(token[position - 1])] = true
            }
        }
        // `<unk>` and `<0xHH>` stand for other bytes than their own.
        return joins[Int(UInt8(ascii: ">"))] ? [] : joins
    }

    private static func wholeWords(of model: TokenModel, byteIDs: [Int32]) -> Vocabulary {
        let vocabulary = model.vocabulary
        switch model {
        case .wordPiece, .wordLevel, .words, .wordBytes: return Vocabulary(capacity: 0)
        case .bytePairEncoding, .unigram: break
        }
        var words = Vocabulary(capacity: vocabulary.count)
        let bytesOfScalars = byteIDs.isEmpty ? [:] : ByteSpelling.bytesOfScalars
        let all = vocabulary.bytes
        var sink = TokenSink()
        for entry in 0..<vocabulary.count {
            let range = Int(vocabulary.starts[entry])..<Int(vocabulary.starts[entry + 1])
            if case .unigram(let unigram) = model {
                // Others are seldom words, and looking at each takes time when a model is loaded.
                guard all[range].starts(with: space), range.count <= 24 else { continue }
                let id = vocabulary.ids[entry]
                if unigram.isWhole(all.span, range, id: id, &sink) {
                    words.insert(all[range], id: id)
                }
                continue
            }
            sink.tokens.removeAll(keepingCapacity: true)
            model.tokenize(all.span, range, into: &sink)
            guard sink.tokens.count == 1 else { continue }
            if byteIDs.isEmpty {
                words.insert(all[range], id: sink.tokens[0].id)
            } else if let word = ByteSpelling.read(all.span, range, bytesOfScalars) {
                words.insert(word, id: sink.tokens[0].id)
            }
        }
        return words
    }
}
