import FoundationEssentials
import Testing
import Tokenizers

/// Equal ids and offsets as the reference library, line by line.
struct GoldenTests {
    static let fixtures = [
        TokenizerFixture("bert"), TokenizerFixture("bert-added"),
        TokenizerFixture("bert-cased", files: "bert"),
        TokenizerFixture("bert-cased-stripped", files: "bert"),
        TokenizerFixture("bert-lower-accents", files: "bert"),
    ]

    @Test(arguments: fixtures)
    func encodesTheCorpusAsTheReference(_ fixture: TokenizerFixture) throws {
        try check(fixture.load(), TokenizerFixture.corpus, fixture.golden("lines"))
    }

    @Test(arguments: fixtures)
    func encodesEveryScalarAsTheReference(_ fixture: TokenizerFixture) throws {
        try check(fixture.load(), TokenizerFixture.scalarPages, fixture.golden("pages"))
    }

    @Test(arguments: fixtures)
    func encodesPairsAsTheReference(_ fixture: TokenizerFixture) throws {
        let tokenizer = try fixture.load()
        let corpus = TokenizerFixture.corpus
        let golden = try fixture.golden("pairs")
        try #require(golden.count > 0)
        for (index, expected) in golden.enumerated() {
            var hash = EncodingHash()
            let (first, second) = (corpus[index], corpus[corpus.count - 1 - index])
            hash.add(tokenizer.encode(first, and: second, maxLength: 16))
            #expect(
                hash.folded == expected, "\(first.debugDescription), \(second.debugDescription)")
        }
    }

    @Test(.enabled(if: TokenizerFixture.hasModelFolder, "needs the model folder"))
    func encodesWithTheRealVocabularyAsTheReference() throws {
        let folder = URL(filePath: TokenizerFixture.modelFolder)
        let file = try Data(contentsOf: folder.appending(path: "tokenizer.json"))
        let tokenizer = try Tokenizer(tokenizerJSON: Array(file))
        let golden = TokenizerFixture("all-MiniLM-L6-v2")
        try check(tokenizer, TokenizerFixture.corpus, golden.golden("lines"))
    }

    /// Holds the offsets path to the golden hashes, and the fast path to the same ids.
    private func check(_ tokenizer: Tokenizer, _ texts: [String], _ golden: [UInt32]) throws {
        try #require(texts.count == golden.count && !texts.isEmpty)
        for (text, expected) in zip(texts, golden) {
            let whole = tokenizer.encode(text)
            let cut = tokenizer.encode(text, maxLength: 6)
            var hash = EncodingHash()
            hash.add(whole)
            hash.add(cut)
            #expect(hash.folded == expected, "\(text.prefix(80).debugDescription) \(whole.ids)")
            #expect(
                tokenizer.tokenIDs(text).ids == whole.ids, "\(text.prefix(80).debugDescription)")
            let fastCut = tokenizer.tokenIDs(text, maxLength: 6)
            #expect(fastCut.ids == cut.ids && fastCut.isTruncated == cut.isTruncated)
        }
    }
}
