import Service
import TestSupport
import Testing

/// Where texts are cut.
struct ChunkingTests {
    @Test(
        arguments: [
            ("", [0]),
            ("One. Two.", [0, 5]),
            ("One.  Two!\nThree? Four", [0, 6, 11, 18]),
            ("He said \"Go.\" Then he went.", [0, 14]),
            ("See e.g. this. Pi is 3.14 or so.", [0, 15]),
            ("J. S. Bach wrote. It stands.", [0, 18]),
            ("no stop here\n\nA new paragraph\nand its second line", [0, 14]),
            ("これは文。次の文！「引用。」終わり", [0, 15, 27, 42]),
            ("Wait... what? Yes... No.", [0, 14, 21]),
            ("(It is so.) And more.", [0, 12]),
        ] as [(String, [Int])])
    func findsSentences(text: String, offsets: [Int]) {
        #expect(SentenceStarts(text).offsets == offsets)
    }

    /// Tokens of one word each, for texts of single spaces.
    private func words(_ text: String) -> [Range<Int>] {
        var (ranges, start) = ([Range<Int>](), 0)
        for word in text.split(separator: " ") {
            ranges.append(start..<start + word.utf8.count)
            start += word.utf8.count + 1
        }
        return ranges
    }

    private func chunks(_ text: String, _ ranges: [Range<Int>], limit: Int) -> [String] {
        let chunking = Chunking(text, ranges: ranges)
        var (start, chunks) = (0, [String]())
        while start < chunking.count {
            let chunk = chunking.chunk(from: start, limit: limit)
            chunks.append(String(decoding: Array(text.utf8)[chunk.bytes], as: UTF8.self))
            start = chunk.tokens.upperBound
        }
        return chunks
    }

    @Test func fillsChunksWithWholeSentences() {
        let text = "A b cc. D ee. F g h i jj. K."
        #expect(chunks(text, words(text), limit: 5) == ["A b cc. D ee.", "F g h i jj.", "K."])
        #expect(chunks(text, words(text), limit: 4) == ["A b cc.", "D ee.", "F g h i", "jj. K."])
        #expect(chunks(text, words(text), limit: 99) == [text])
    }

    @Test func cutsBetweenTokensAndNeverWithinACharacter() {
        #expect(chunks("abcdef", [0..<2, 2..<4, 4..<6], limit: 2) == ["abcd", "ef"])
        // Four tokens for the bytes of one character, as byte-level tokenizers give.
        let emoji = [0..<4, 0..<4, 0..<4, 0..<4, 4..<5]
        #expect(chunks("😀x", emoji, limit: 2) == ["😀", "x"])
        let bytes = [0..<1, 1..<2, 2..<3, 3..<4, 4..<5]
        #expect(chunks("😀x", bytes, limit: 1) == ["😀", "x"])
    }

    /// Chunks of random texts: in order, apart, all of the tokens, and rarely over the limit.
    @Test func coversEveryToken() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            let pieces = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                ["word", "end.", "é", "。", "x!", "a\n\nb"].randomElement(using: &random) ?? ""
            }
            let text = pieces.joined(separator: " ")
            let ranges = words(text)
            let limit = Int.random(in: 1...20, using: &random)
            let chunking = Chunking(text, ranges: ranges)
            var (start, end) = (0, 0)
            while start < chunking.count {
                let chunk = chunking.chunk(from: start, limit: limit)
                #expect(chunk.tokens.lowerBound == start && !chunk.tokens.isEmpty)
                #expect(chunk.tokens.count <= limit)
                #expect(chunk.bytes.lowerBound >= end && chunk.bytes.upperBound <= text.utf8.count)
                (start, end) = (chunk.tokens.upperBound, chunk.bytes.upperBound)
            }
        }
    }
}
