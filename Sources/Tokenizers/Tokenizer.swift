/// Turns text into token ids exactly as the reference library does for the same `tokenizer.json`.
///
/// Immutable after loading, so one serves every thread; a class, for a copy of so many parts costs as
/// much as a short text. The reference is Hugging Face tokenizers 0.23, used as transformers 5 uses
/// it: the length limit is the caller's, not the file's.
package final class Tokenizer: Sendable {
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let model: TokenModel
    let postProcessor: PostProcessor
    /// Added tokens which are looked for in the raw text.
    let rawTokens: AddedVocabulary
    /// Added tokens which are looked for in the normalized text, their content normalized.
    let normalizedTokens: AddedVocabulary
    /// Every token by id, added tokens first.
    let spellings: TokenSpellings
    /// The fused path for BERT's components, where the file has just those.
    let fused: BertTokenization?
    /// The way of other words to ids.
    let words: WordTokenization
    /// What cuts text into those words.
    let wordPreTokenizer: PreTokenizer?

    /// The model's limit from `tokenizer_config.json`; nil when it states none (above 1e20).
    package let modelMaxLength: Int?
    /// Which end of a text that is too long goes, from `tokenizer_config.json`.
    package let truncationSide: TruncationSide

    /// Loads the two files that current models have.
    ///
    /// - Parameters:
    ///   - tokenizerJSON: contents of `tokenizer.json`.
    ///   - tokenizerConfiguration: contents of `tokenizer_config.json`, if there is one.
    package convenience init(
        tokenizerJSON: [UInt8], tokenizerConfiguration: [UInt8]? = nil
    ) throws(TokenizerFileError) {
        try self.init(
            TokenizerFiles(tokenizer: tokenizerJSON, configuration: tokenizerConfiguration))
    }

    init(_ parts: TokenizerParts, _ configuration: TokenizerConfiguration) {
        model = parts.model
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        postProcessor = parts.postProcessor
        modelMaxLength = configuration.modelMaxLength
        truncationSide = configuration.truncationSide
        let added = parts.added
        spellings = TokenSpellings(vocabulary: model.vocabulary, added: added)
        vocabularySize = max(spellings.vocabularySize, postProcessor.highestID + 1)
        rawTokens = AddedVocabulary(added.filter { !$0.isNormalized })
        let normalizer = normalizer
        normalizedTokens = AddedVocabulary(
            added.filter(\.isNormalized).map { token in
                var normalized = token
                var text = AlignedText(
                    original: token.content, 0..<token.content.count, isTracked: false)
                normalizer?.normalize(&text)
                normalized.content = text.bytes
                return normalized
            })
        fused = BertTokenization(
            normalizer: normalizer, preTokenizer: preTokenizer, model: model,
            hasNormalizedTokens: !normalizedTokens.isEmpty)
        let unspelled = preTokenizer?.unspelled
        words = WordTokenization(model, isByteLevel: unspelled != nil)
        wordPreTokenizer = words.readsBytes ? unspelled : preTokenizer
    }

    /// Highest id plus one, added tokens and those of the post-processor included.
    package let vocabularySize: Int

    /// Number of special tokens which the post-processor adds to a single text.
    package var addedTokenCount: Int { postProcessor.addedCount(isPair: false) }

    /// Components in words, such as `WordPiece, 30522 tokens, lowercase`.
    package var summary: String {
        var parts = [model.name, "\(vocabularySize) tokens"]
        if case .bert(let bert) = normalizer {
            parts.append(bert.lowercases ? "lowercase" : "cased")
        }
        return parts.joined(separator: ", ")
    }

    /// Encodes one text, cut to `maxLength` tokens, special tokens kept.
    package func encode(
        _ text: String, maxLength: Int? = nil, addSpecialTokens: Bool = true
    ) -> Encoding {
        let added = addSpecialTokens ? addedTokenCount : 0
        let content = encodeContent(text)
        let cut = content.truncated(
            to: maxLength.map { max(0, $0 - added) }, side: truncationSide)
        return postProcessor.process([cut], addSpecialTokens: addSpecialTokens)
    }

    /// Encodes two texts as one sequence.
    ///
    /// Over `maxLength` the longer of the two is cut first, then both alike, as the reference's
    /// `longest_first` does.
    package func encode(
        _ first: String, and second: String, maxLength: Int? = nil, addSpecialTokens: Bool = true
    ) -> Encoding {
        let added = addSpecialTokens ? postProcessor.addedCount(isPair: true) : 0
        var texts = [encodeContent(first), encodeContent(second)]
        if let maxLength {
            let counts = Self.longestFirst(
                texts[0].ids.count, texts[1].ids.count, budget: max(0, maxLength - added))
            texts = [
                texts[0].truncated(to: counts.0, side: truncationSide),
                texts[1].truncated(to: counts.1, side: truncationSide),
            ]
        }
        return postProcessor.process(texts, addSpecialTokens: addSpecialTokens)
    }

    /// How many tokens of each of two texts stay.
    private static func longestFirst(_ first: Int, _ second: Int, budget: Int) -> (Int, Int) {
        guard first + second > budget else { return (first, second) }
        var short = min(first, second)
        var long = short > budget ? short : max(short, budget - short)
        if short + long > budget {
            short = budget / 2
            long = short + budget % 2
        }
        return first > second ? (long, short) : (short, long)
    }

    /// Ids of one text with special tokens, without offsets: the same ids as `encode`, sooner.
    package func tokenIDs(
        _ text: String, maxLength: Int? = nil
    ) -> (ids: [Int32], isTruncated: Bool) {
        let budget = maxLength.map { max(0, $0 - addedTokenCount) } ?? Int.max
        var ids: [Int32] = []
        ids.reserveCapacity(min(budget, text.utf8.count / 3) + addedTokenCount)
        var isTruncated = false
        postProcessor.wrap(&ids) { ids in
            let start = ids.count
            let limit = truncationSide == .right ? budget : Int.max
            isTruncated = appendContentIDs(text, budget: limit, to: &ids) || isTruncated
            if ids.count - start > budget {
                ids.removeSubrange(start..<ids.count - budget)
                isTruncated = true
            }
        }
        return (ids, isTruncated)
    }

    /// Adds the special tokens of a single text to ids which came without them.
    package func wrap(ids: [Int32]) -> [Int32] {
        var wrapped: [Int32] = []
        wrapped.reserveCapacity(ids.count + addedTokenCount)
        postProcessor.wrap(&wrapped) { $0 += ids }
        return wrapped
    }

    /// The token's text as it stands in the vocabulary.
    package func token(for id: Int32) -> String? { spellings.token(for: id) }

    /// The id of a token spelled exactly so, byte for byte.
    package func id(for token: String) -> Int32? { spellings.id(for: token) }
}

extension Tokenizer {
    /// Appends a text's own ids, at most `budget`; returns whether there were more.
    private func appendContentIDs(_ text: String, budget: Int, to ids: inout [Int32]) -> Bool {
        let before = ids.count
        if let fused {
            let bytes = Array(text.utf8)
            var isDone = true
            let limit = budget < Int.max - before - 1 ? before + budget + 1 : Int.max
            eachRawStretch(bytes.span) { stretch, token in
                guard isDone, ids.count < limit else { return }
                if let token {
                    ids.append(token)
                } else {
                    isDone = fused.appendIDs(bytes.span, stretch, limit: limit, to: &ids)
                }
            }
            if isDone {
                guard ids.count - before > budget else { return false }
                ids.removeSubrange((before + budget)...)
                return true
            }
            ids.removeSubrange(before...)
        }
        let made = makeIDs(text, limit: budget < Int.max ? budget + 1 : Int.max).ids
        ids.append(contentsOf: made.prefix(budget))
        return made.count > budget
    }

    /// A text's own ids, at least the first `limit`, by the pipeline without offsets.
    private func makeIDs(_ text: String, limit: Int) -> TokenSink {
        var pieces = normalizedPieces(Array(text.utf8), isTracked: false)
        wordPreTokenizer?.preTokenize(&pieces)
        var sink = TokenSink()
        let bytes = pieces.text.bytes
        for split in pieces.splits {
            guard sink.ids.count < limit else { break }
            if let id = split.addedToken {
                sink.ids.append(id)
            } else {
                words.appendIDs(bytes.span, split.range, into: &sink)
            }
        }
        return sink
    }

    /// How much the model has to do for a text: symbols, edges and bytes that it looks at.
    ///
    /// For tests of how the work grows with a text.
    package func modelSteps(for text: String) -> (ids: Int, offsets: Int) {
        (makeIDs(text, limit: Int.max).steps, makeTokens(text).sink.steps)
    }

    /// Cuts raw text at the added tokens that are looked for there.
    private func eachRawStretch(
        _ bytes: borrowing Span<UInt8>, _ body: (Range<Int>, Int32?) -> Void
    ) {
        if rawTokens.isEmpty || !rawTokens.mayOccur(in: bytes) {
            body(0..<bytes.count, nil)
        } else {
            rawTokens.split(bytes, 0..<bytes.count, body)
        }
    }

    /// A text's own tokens with offsets, without special tokens.
    func encodeContent(_ text: String) -> Encoding {
        let (aligned, sink) = makeTokens(text)
        let tokens = sink.tokens
        var encoding = Encoding(
            ids: tokens.map(\.id), typeIDs: Array(repeating: 0, count: tokens.count),
            offsets: tokens.map { aligned.originalRange(of: $0.range) },
            isSpecial: Array(repeating: false, count: tokens.count))
        postProcessor.trimming?.trim(
            &encoding, tokens: tokens, of: aligned, original: Array(text.utf8))
        return encoding
    }

    /// The plain pipeline, step by step as the reference has it.
    private func makeTokens(_ text: String) -> (text: AlignedText, sink: TokenSink) {
        var pieces = normalizedPieces(Array(text.utf8), isTracked: true)
        preTokenizer?.preTokenize(&pieces)
        var sink = TokenSink()
        let bytes = pieces.text.bytes
        for split in pieces.splits {
            if let id = split.addedToken {
                sink.tokens.append(Token(id: id, range: split.range))
            } else {
                model.tokenize(bytes.span, split.range, into: &sink)
            }
        }
        return (pieces.text, sink)
    }

    /// The text normalized, added tokens cut out.
    private func normalizedPieces(_ bytes: [UInt8], isTracked: Bool) -> PreTokenizedText {
        if rawTokens.isEmpty || !rawTokens.mayOccur(in: bytes.span), normalizedTokens.isEmpty {
            var text = AlignedText(original: bytes, 0..<bytes.count, isTracked: isTracked)
            normalizer?.normalize(&text)
            return PreTokenizedText(text)
        }
        var pieces = PreTokenizedText(isTracked: isTracked)
        eachRawStretch(bytes.span) { stretch, token in
            var piece = AlignedText(original: bytes, stretch, isTracked: isTracked)
            guard token == nil else { return pieces.append(piece, 0..<piece.count, token: token) }
            normalizer?.normalize(&piece)
            normalizedTokens.split(piece.bytes.span, 0..<piece.count) { part, token in
                pieces.append(piece, part, token: token)
            }
        }
        return pieces
    }
}
