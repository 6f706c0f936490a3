/// Byte-pair encoding: symbols are merged, the pair of lowest rank first, the leftmost of equals.
struct BytePairEncoding: Sendable {
    /// What the file says beside vocabulary and merges.
    struct Options: Sendable {
        /// The token for what the vocabulary lacks; nil drops it.
        var unknownID: Int32?
        /// Runs of unknown scalars become one token.
        var fusesUnknown = false
        /// For each byte the token `<0xHH>`; empty when bytes are no fallback.
        var byteTokens: [Int32?] = []
        /// A word which is a token as it stands is not taken apart.
        var ignoresMerges = false
        /// Before each symbol but the first of a word.
        var continuationPrefix: [UInt8] = []
        /// Behind the last symbol of a word.
        var endSuffix: [UInt8] = []
    }

    let vocabulary: Vocabulary
    let merges: MergeTable
    let options: Options

    /// Appends the tokens of one word.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, into sink: inout TokenSink
    ) {
        guard !word.isEmpty else { return }
        if options.ignoresMerges, let id = id(text, word) {
            sink.tokens.append(Token(id: id, range: word))
            return
        }
        collectSymbols(text, word, into: &sink.symbols)
        sink.steps += merges.apply(to: &sink.symbols, queue: &sink.queue)
        var start = word.lowerBound
        for symbol in sink.symbols where symbol.length > 0 {
            let end = start + Int(symbol.length)
            sink.tokens.append(Token(id: symbol.id, range: start..<end))
            start = end
        }
    }

    /// Appends the ids of one word whose bytes stand for themselves.
    ///
    /// - Parameter byteIDs: for each byte the id of the token which spells it.
    func appendIDs(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>, byteIDs: [Int32],
        into sink: inout TokenSink
    ) {
        sink.symbols.removeAll(keepingCapacity: true)
        for position in word {
            sink.symbols.append(MergeTable.Symbol(id: byteIDs[Int(text[position])], length: 1))
        }
        sink.steps += merges.apply(to: &sink.symbols, queue: &sink.queue)
        for symbol in sink.symbols where symbol.length > 0 { sink.ids.append(symbol.id) }
    }

    private func id(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Int32? {
        vocabulary.id(of: text, range)
    }

    /// The word's scalars as symbols, before any merge.
    private func collectSymbols(
        _ text: borrowing Span<UInt8>, _ word: Range<Int>,
        into symbols: inout [MergeTable.Symbol]
    ) {
        symbols.removeAll(keepingCapacity: true)
        var unknownLength = 0
        var position = word.lowerBound
        while position < word.upperBound {
            let length = UTF8Scalars.length(startingWith: text[position])
            let scalar = position..<min(position + length, word.upperBound)
            position = scalar.upperBound
            if let id = symbolID(text, scalar, word) {
                // An unknown run before it goes first.
                flush(&unknownLength, into: &symbols)
                symbols.append(MergeTable.Symbol(id: id, length: scalar.count))
            } else if let bytes = byteSymbols(text, scalar, word) {
                symbols += bytes
            } else if options.unknownID != nil {
                // The reference lets an unknown run wait while bytes fall back; so it comes late.
                if !options.fusesUnknown { flush(&unknownLength, into: &symbols) }
                unknownLength += scalar.count
            }
        }
        flush(&unknownLength, into: &symbols)
    }

    private func flush(_ length: inout Int, into symbols: inout [MergeTable.Symbol]) {
        guard length > 0, let id = options.unknownID else { return }
        symbols.append(MergeTable.Symbol(id: id, length: length))
        length = 0
    }

    private func symbolID(
        _ text: borrowing Span<UInt8>, _ scalar: Range<Int>, _ word: Range<Int>
    ) -> Int32? {
        if options.continuationPrefix.isEmpty, options.endSuffix.isEmpty {
            return id(text, scalar)
        }
        return vocabulary.id(of: decorated(text, scalar, word))
    }

    private func decorated(
        _ text: borrowing Span<UInt8>, _ scalar: Range<Int>, _ word: Range<Int>
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        if scalar.lowerBound > word.lowerBound { bytes += options.continuationPrefix }
        for position in scalar { bytes.append(text[position]) }
        if scalar.upperBound == word.upperBound { bytes += options.endSuffix }
        return bytes
    }

    private func byteSymbols(
        _ text: borrowing Span<UInt8>, _ scalar: Range<Int>, _ word: Range<Int>
    ) -> [MergeTable.Symbol]? {
        guard !options.byteTokens.isEmpty else { return nil }
        var symbols: [MergeTable.Symbol] = []
        for byte in decorated(text, scalar, word) {
            guard let id = options.byteTokens[Int(byte)] else { return nil }
            symbols.append(MergeTable.Symbol(id: id, length: 1))
        }
        return symbols
    }
}
