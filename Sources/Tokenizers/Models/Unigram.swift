/// The unigram language model of SentencePiece: the segmentation of highest total score (Kudo 2018).
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    private let trie: ByteTrie
    /// By id, in f64 as the reference sums them.
    private let scores: [Double]
    private let unknownID: Int32
    /// Lowest score less a penalty of 10.
    private let unknownScore: Double
    /// For each byte the token `<0xHH>`; empty when bytes are no fallback.
    private let byteTokens: [Int32?]

    init(vocabulary: Vocabulary, scores: [Double], unknownID: Int32, byteTokens: [Int32?]) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknownID = unknownID
        self.byteTokens = byteTokens
        unknownScore = (scores.min() ?? 0) - 10
        trie = ByteTrie(vocabulary)
    }

    /// The end of the best segmentation of a text's beginning.
    private struct Node {
        var score = 0.0
        /// Where the last token starts; -1 when nothing ends here.
        var start: Int32 = -1
        var id: Int32 = 0
    }

    /// Appends the tokens of one piece of text.
    func tokenize(
        _ text: borrowing Span<UInt8>, _ piece: Range<Int>, into tokens: inout [Token]
    ) {
        guard !piece.isEmpty else { return }
        let base = piece.lowerBound
        let nodes = bestPath(text, piece)
        var reversed: [Token] = []
        var end = piece.count
        while end > 0 {
            let node = nodes[end]
            var start = Int(node.start)
            // Neighbouring unknown tokens are one.
            if node.id == unknownID {
                while start > 0, nodes[start].id == unknownID { start = Int(nodes[start].start) }
            }
            reversed.append(Token(id: node.id, range: base + start..<base + end))
            end = start
        }
        for token in reversed.reversed() {
            if token.id == unknownID {
                appendUnknown(text, token.range, into: &tokens)
            } else {
                tokens.append(token)
            }
        }
    }

    private func bestPath(_ text: borrowing Span<UInt8>, _ piece: Range<Int>) -> [Node] {
        var nodes = Array(repeating: Node(), count: piece.count + 1)
        var start = 0
        while start < piece.count {
            let scoreHere = nodes[start].score
            let scalarLength = min(
                UTF8Scalars.length(startingWith: text[piece.lowerBound + start]),
                piece.count - start)
            func offer(_ length: Int, _ id: Int32, _ score: Double) {
                let end = start + length
                if nodes[end].start < 0 || score > nodes[end].score {
                    nodes[end] = Node(
                        score: score, start: Int32(truncatingIfNeeded: start), id: id)
                }
            }
            var hasSingleScalar = false
            var node = ByteTrie.root
            var position = piece.lowerBound + start
            while position < piece.upperBound, let next = trie.child(of: node, text[position]) {
                node = next
                position += 1
                let id = trie.id(at: node)
                guard id >= 0 else { continue }
                let length = position - piece.lowerBound - start
                offer(length, id, scores[Int(id)] + scoreHere)
                if length == scalarLength { hasSingleScalar = true }
            }
            if !hasSingleScalar { offer(scalarLength, unknownID, unknownScore + scoreHere) }
            start += scalarLength
        }
        return nodes
    }

    /// What no token covers: perhaps a token after all, once fused; else its bytes; else unknown.
    private func appendUnknown(
        _ text: borrowing Span<UInt8>, _ range: Range<Int>, into tokens: inout [Token]
    ) {
        var bytes: [UInt8] = []
        for position in range { bytes.append(text[position]) }
        if let id = vocabulary.id(of: bytes) {
            tokens.append(Token(id: id, range: range))
            return
        }
        let fallback = byteTokens.isEmpty ? [] : bytes.compactMap { byteTokens[Int($0)] }
        if fallback.count == bytes.count {
            for id in fallback { tokens.append(Token(id: id, range: range)) }
        } else {
            tokens.append(Token(id: unknownID, range: range))
        }
    }
}
