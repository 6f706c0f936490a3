/// The unigram language model of SentencePiece: the segmentation of highest total score (Kudo 2018).
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    private let trie: ByteTrie
    /// By id, in f64 as the reference sums them.
    private let scores: [Double]
    private let unknownID: Int32
    /// Lowest score less a penalty of 10.
    private let unknownScore: Double
    private let hasPositiveScore: Bool
    /// For each byte the token `<0xHH>`; empty when bytes are no fallback.
    private let byteTokens: [Int32?]
    /// Whether neighbouring unknown tokens are one, as in the reference.
    private let fusesUnknown: Bool

    init(
        vocabulary: Vocabulary, scores: [Double], unknownID: Int32, byteTokens: [Int32?],
        fusesUnknown: Bool = true
    ) {
        self.fusesUnknown = fusesUnknown
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknownID = unknownID
        self.byteTokens = byteTokens
        unknownScore = (scores.min() ?? 0) - 10
        hasPositiveScore = scores.contains { !($0 <= 0) }
        trie = ByteTrie(vocabulary)
    }

    /// The end of the best segmentation of a text's beginning.
    struct Node {
        fileprivate var score = 0.0
        /// Where the last token starts; -1 when nothing ends here.
        fileprivate var start: Int32 = -1
        fileprivate var id: Int32 = 0
    }

    /// Appends the tokens of one piece of text.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ piece: Range<Int>, into sink: inout TokenSink
    ) {
        guard !piece.isEmpty else { return }
        let base = piece.lowerBound
        findBestPath(text, piece, &sink)
        let tokensBefore = sink.tokens.count
        var end = piece.count
        while end > 0 {
            let id = sink.nodes[end].id
            var start = Int(sink.nodes[end].start)
            if id == unknownID {
                // Neighbouring unknown tokens are one.
                while fusesUnknown, start > 0, sink.nodes[start].id == unknownID {
                    start = Int(sink.nodes[start].start)
                }
                appendUnknownReversed(text, base + start..<base + end, into: &sink.tokens)
            } else {
                sink.tokens.append(Token(id: id, range: base + start..<base + end))
            }
            end = start
        }
        sink.tokens[tokensBefore...].reverse()
    }

    /// Whether the best segmentation of a token's own bytes is that token.
    func isWhole(
        _ text: borrowing Span<UInt8>, _ token: Range<Int>, id: Int32, _ sink: inout TokenSink
    ) -> Bool {
        guard id != unknownID, !token.isEmpty else { return false }
        // No score is above 0, so a beginning that is not better than the token stays so.
        findBestPath(text, token, &sink, above: hasPositiveScore ? nil : scores[Int(id)])
        let end = sink.nodes[token.count]
        return end.start == 0 && end.id == id
    }

    /// Fills the sink's nodes, one for each place of the piece and one for its end.
    ///
    /// - Parameter least: a score; beginnings that have no higher one are not continued.
    private func findBestPath(
        _ text: borrowing Span<UInt8>, _ piece: Range<Int>, _ sink: inout TokenSink,
        above least: Double? = nil
    ) {
        let least = least ?? -.infinity
        sink.nodes.removeAll(keepingCapacity: true)
        sink.nodes.append(contentsOf: repeatElement(Node(), count: piece.count + 1))
        var start = 0
        while start < piece.count {
            let scoreHere = sink.nodes[start].score
            let scalarLength = min(
                UTF8Scalars.length(startingWith: text[piece.lowerBound + start]),
                piece.count - start)
            if start > 0, sink.nodes[start].start < 0 || scoreHere <= least {
                start += scalarLength
                continue
            }
            var hasSingleScalar = false
            var node = ByteTrie.root
            var position = piece.lowerBound + start
            while position < piece.upperBound, let next = trie.child(of: node, text[position]) {
                node = next
                position += 1
                guard ByteTrie.isEnd(node) else { continue }
                let id = trie.id(at: node)
                let length = position - piece.lowerBound - start
                Self.offer(start, length, id, scores[Int(id)] + scoreHere, &sink.nodes)
                if length == scalarLength { hasSingleScalar = true }
            }
            sink.steps += position - piece.lowerBound - start + 1
            if !hasSingleScalar {
                Self.offer(start, scalarLength, unknownID, unknownScore + scoreHere, &sink.nodes)
            }
            start += scalarLength
        }
    }

    /// Notes a token if its segmentation is better than what is known to end there.
    @inline(__always)
    private static func offer(
        _ start: Int, _ length: Int, _ id: Int32, _ score: Double, _ nodes: inout [Node]
    ) {
        let end = start + length
        if nodes[end].start < 0 || score > nodes[end].score {
            nodes[end] = Node(score: score, start: Int32(truncatingIfNeeded: start), id: id)
        }
    }

    /// What no token covers: perhaps a token after all, once fused; else its bytes, the last first;
    /// else unknown.
    private func appendUnknownReversed(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, into tokens: inout [Token]
    ) {
        if let id = vocabulary.id(of: text, range) {
            tokens.append(Token(id: id, range: range))
            return
        }
        if !byteTokens.isEmpty, hasByteTokens(text, range) {
            for position in range.reversed() {
                if let id = byteTokens[Int(text[position])] {
                    tokens.append(Token(id: id, range: range))
                }
            }
        } else {
            tokens.append(Token(id: unknownID, range: range))
        }
    }

    private func hasByteTokens(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        for position in range where byteTokens[Int(text[position])] == nil { return false }
        return true
    }
}
