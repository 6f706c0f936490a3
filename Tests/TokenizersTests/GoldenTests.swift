import FoundationEssentials
import Testing
import Tokenizers

/// Equal ids and offsets as the reference library, line by line.
struct GoldenTests {
    static let fixtures = [
        TokenizerFixture("bert"), TokenizerFixture("bert-added"),
        TokenizerFixture("bert-cased", files: "bert"),
        TokenizerFixture("bert-cased-stripped", files: "bert"),
        TokenizerFixture("bert-lower-accents", files: "bert"), TokenizerFixture("roberta"),
        TokenizerFixture("roberta-prefix"), TokenizerFixture("llama3"), TokenizerFixture("qwen2"),
        TokenizerFixture("qwen3.5"), TokenizerFixture("deepseek"), TokenizerFixture("xlm-roberta"),
        TokenizerFixture("t5"), TokenizerFixture("albert"), TokenizerFixture("llama2"),
        TokenizerFixture("gemma"), TokenizerFixture("bpe-odd"),
        TokenizerFixture("cuts-o200k"), TokenizerFixture("cuts-tekken"),
        TokenizerFixture("cuts-scripts"),
    ]

    static let scalarMinded = [
        "bert", "bert-cased-stripped", "roberta", "qwen3.5", "deepseek", "xlm-roberta", "albert",
        "cuts-o200k", "cuts-scripts",
    ]

    @Test(arguments: fixtures)
    func encodesTheCorpusAsTheReference(_ fixture: TokenizerFixture) throws {
        try check(fixture.load(), TokenizerFixture.corpus, fixture.golden("lines"))
    }

    /// Of those whose normalizers and pre-tokenizers look at scalars in different ways.
    @Test(arguments: fixtures.filter { scalarMinded.contains($0.name) })
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
        for (index, (text, expected)) in zip(texts, golden).enumerated() {
            let whole = tokenizer.encode(text)
            var hash = EncodingHash()
            hash.add(whole)
            let ids = tokenizer.tokenIDs(text).ids
            #expect(ids == whole.ids, "\(text.prefix(80).debugDescription)")
            if index % 8 == 0 {
                let cut = tokenizer.encode(text, maxLength: 6)
                let fastCut = tokenizer.tokenIDs(text, maxLength: 6)
                #expect(fastCut.ids == cut.ids && fastCut.isTruncated == cut.isTruncated)
                hash.add(cut)
            }
            #expect(hash.folded == expected, "\(text.prefix(80).debugDescription) \(whole.ids)")
        }
    }
}
