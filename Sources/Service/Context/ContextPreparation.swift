import Models
import Tokenizers

/// Turns an input into work at the level, and by the way with long texts, that the caller chose.
struct ContextPreparation: Sendable {
    let preparation: TextPreparation
    private let choice: ContextChoice
    /// The most tokens of a text of its own that fit into the model beside prompt and special tokens.
    private let room: Int
    private let chunkTokens: Int

    var engine: Engine { preparation.engine }

    /// The most tokens of a chunk of late chunking when the caller does not say.
    static let lateChunkTokens = 128

    /// - Throws: a 400 for a choice that makes no sense for the model.
    init(_ preparation: TextPreparation, _ choice: ContextChoice) throws(APIError) {
        self.preparation = preparation
        self.choice = choice
        let model = preparation.engine.model
        let frame = preparation.tokenizer.tokenIDs(preparation.prompt).ids.count
        room = max(1, preparation.route.maximumLength - frame)
        let usual = choice.longText == .late ? min(room, Self.lateChunkTokens) : room
        chunkTokens = choice.chunkTokens ?? usual
        guard (1...room).contains(chunkTokens) else {
            throw .invalidValue(
                "chunk_tokens",
                "'chunk_tokens' must be from 1 to \(room), what the model takes beside special tokens "
                    + "and prompt, not \(chunkTokens).")
        }
        if choice.level == .token, !model.backbone.hasVectorPerToken,
            model.backbone.wordEndID == nil
        {
            throw .invalidValue(
                "level", "The model's routes have vectors of texts alone; 'level' must be 'text'.")
        }
        if choice.longText == .late, !model.poolsSpans {
            throw .invalidValue(
                "long_text",
                "'late' needs a model whose tokens read each other and whose vector is their mean; "
                    + "this one's is not. Send 'chunks' or 'mean'.")
        }
    }

    /// Adds the work of one input; returns whether its end was cut off.
    ///
    /// - Throws: a 400 for an input that the model cannot take.
    func append(
        _ input: EmbeddingsRequest.Input, _ parameter: String, to texts: inout PreparedTexts
    ) throws(APIError) -> Bool {
        if choice.level == .token { return try appendTokens(input, parameter, to: &texts) }
        switch (choice.longText, input) {
        case (.truncate, _):
            let (work, isTruncated) = try preparation.work(of: input, parameter)
            texts.append([work], .vector)
            return isTruncated
        case (_, .tokenIDs):
            throw .invalidValue(
                parameter,
                "'\(parameter)' is token ids, which have no sentences to cut at: send the text.")
        case (.late, .text(let text)):
            try appendLate(text, parameter, to: &texts)
            return false
        case (.mean, .text(let text)), (.chunks, .text(let text)):
            return try appendChunks(text, parameter, to: &texts)
        }
    }

    // MARK: Tokens

    private func appendTokens(
        _ input: EmbeddingsRequest.Input, _ parameter: String, to texts: inout PreparedTexts
    ) throws(APIError) -> Bool {
        guard case .text(let text) = input else {
            var (work, isTruncated) = try preparation.work(of: input, parameter)
            work.output = .tokens
            let added = Set(preparation.tokenizer.wrap(ids: []))
            let places = work.tokenIDs.map {
                TokenPlace(id: $0, text: spelling($0), isSpecial: added.contains($0), bytes: nil)
            }
            texts.append([work], .tokens(words(of: places, in: [])))
            return isTruncated
        }
        let encoding = preparation.tokenizer.encode(
            preparation.prompted(text), maxLength: preparation.route.maximumLength)
        guard !encoding.ids.isEmpty || preparation.route.takesEmptyTexts else {
            throw preparation.noToken(parameter)
        }
        let utf8 = Array(text.utf8)
        let places = encoding.ids.indices.map { index in
            let bytes = encoding.offsets[index].flatMap(textRange)
            let id = encoding.ids[index]
            return TokenPlace(
                id: id,
                text: bytes.map { String(decoding: utf8[$0], as: UTF8.self) } ?? spelling(id),
                isSpecial: encoding.isSpecial[index], bytes: bytes)
        }
        var work = preparation.work(encoding.ids)
        work.output = .tokens
        texts.append([work], .tokens(words(of: places, in: utf8)))
        return encoding.isTruncated
    }

    /// The words that the tokens are of, for a model that has a vector for each word and not each token;
    /// the tokens themselves for others.
    private func words(of tokens: [TokenPlace], in utf8: [UInt8]) -> [TokenPlace] {
        guard let end = engine.model.backbone.wordEndID else { return tokens }
        var words: [TokenPlace] = []
        var (start, bytes): (Int?, Range<Int>?) = (nil, nil)
        for (index, token) in tokens.enumerated() {
            // An end by itself ends no word.
            if token.id != end || start != nil {
                if let range = token.bytes {
                    bytes = min(bytes?.lowerBound ?? .max, range.lowerBound)..<range.upperBound
                }
                if start == nil { start = index }
            }
            guard start != nil, token.id == end || index == tokens.count - 1 else { continue }
            let text = bytes.map { String(decoding: utf8[$0], as: UTF8.self) } ?? ""
            words.append(TokenPlace(id: token.id, text: text, isSpecial: false, bytes: bytes))
            (start, bytes) = (nil, nil)
        }
        return words
    }

    private func spelling(_ id: Int32) -> String { preparation.tokenizer.token(for: id) ?? "" }

    /// Bytes of prompt and text together as bytes of the text; nil for a token of the prompt.
    private func textRange(_ range: Range<Int>) -> Range<Int>? {
        let prompt = preparation.prompt.utf8.count
        guard range.upperBound > prompt || range.lowerBound >= prompt else { return nil }
        return max(0, range.lowerBound - prompt)..<max(0, range.upperBound - prompt)
    }

    // MARK: Chunks

    /// Chunks, each embedded by itself as if it had been sent alone.
    private func appendChunks(
        _ text: String, _ parameter: String, to texts: inout PreparedTexts
    ) throws(APIError) -> Bool {
        let encoding = preparation.tokenizer.encode(text, addSpecialTokens: false)
        let chunking = Chunking(text, ranges: encoding.offsets.compactMap { $0 })
        // A text that fits is its own and only chunk, to the byte.
        if chunking.count <= chunkTokens {
            let (work, isTruncated) = try preparation.work(of: .text(text), parameter)
            if !isTruncated {
                let isMean = choice.longText == .mean
                texts.append([work], isMean ? .vector : .chunks([0..<text.utf8.count]))
                return false
            }
        }
        var (items, weights, ranges) = ([Engine.Work](), [Int](), [Range<Int>]())
        var (start, isTruncated) = (0, false)
        while start < chunking.count {
            let (chunk, work, isCut) = fittingChunk(chunking, from: start, text)
            items.append(work)
            weights.append(chunk.tokens.count)
            ranges.append(chunk.bytes)
            isTruncated = isTruncated || isCut
            start = chunk.tokens.upperBound
        }
        guard !items.isEmpty else { throw preparation.noToken(parameter) }
        texts.append(items, choice.longText == .mean ? .mean(weights: weights) : .chunks(ranges))
        return isTruncated
    }

    /// The chunk at `start` with its ids: tokenized by itself it may have a token more than within the
    /// text, and is then made shorter.
    private func fittingChunk(
        _ chunking: Chunking, from start: Int, _ text: String
    ) -> (Chunking.Chunk, Engine.Work, isCut: Bool) {
        var limit = chunkTokens
        while true {
            let chunk = chunking.chunk(from: start, limit: limit)
            let piece = preparation.prompted(Self.slice(text, chunk.bytes))
            let (ids, isTruncated) = preparation.tokenizer.tokenIDs(
                piece, maxLength: preparation.route.maximumLength)
            if !isTruncated || limit == 1 {
                return (chunk, preparation.work(ids), isTruncated)
            }
            limit = max(1, min(limit, chunk.tokens.count) - 1)
        }
    }

    // MARK: Late chunking

    private func appendLate(
        _ text: String, _ parameter: String, to texts: inout PreparedTexts
    ) throws(APIError) {
        let encoding = preparation.tokenizer.encode(preparation.prompted(text))
        guard encoding.ids.count <= preparation.route.maximumLength else {
            throw .invalidValue(
                parameter,
                "'\(parameter)' has \(encoding.ids.count) tokens, and 'late' reads a text in one pass, of "
                    + "at most \(preparation.route.maximumLength). Shorten it, or send 'chunks' or 'mean'."
            )
        }
        // The text's own tokens; special ones and the prompt are read, and in no chunk.
        var (own, ranges) = ([Int](), [Range<Int>]())
        for index in encoding.ids.indices {
            guard let range = encoding.offsets[index].flatMap(textRange) else { continue }
            own.append(index)
            ranges.append(range)
        }
        guard let first = own.first, let last = own.last, last - first + 1 == own.count else {
            throw preparation.noToken(parameter)
        }
        let chunking = Chunking(text, ranges: ranges)
        var (spans, bytes, start) = ([Range<Int>](), [Range<Int>](), 0)
        while start < chunking.count {
            let chunk = chunking.chunk(from: start, limit: chunkTokens)
            spans.append(first + chunk.tokens.lowerBound..<first + chunk.tokens.upperBound)
            bytes.append(chunk.bytes)
            start = chunk.tokens.upperBound
        }
        var work = preparation.work(encoding.ids)
        work.output = .spans(spans)
        texts.append([work], .spans(bytes))
    }

    private static func slice(_ text: String, _ bytes: Range<Int>) -> String {
        let utf8 = text.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
        return String(text[start..<utf8.index(start, offsetBy: bytes.count)])
    }
}
