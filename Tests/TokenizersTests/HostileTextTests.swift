import Testing
import Tokenizers

/// Texts on which a careless tokenizer takes quadratic time.
struct HostileTextTests {
    static let fixtures = [
        "bert", "roberta", "llama3", "qwen2", "deepseek", "cuts-o200k", "xlm-roberta", "t5",
        "albert",
        "llama2", "gemma", "bpe-odd",
    ].map { TokenizerFixture($0) }

    static let units = [
        "a", "ab", "A", "\u{301}\u{323}", "👨\u{200D}", " ", "\n", " \n", "7", "中", "ท", "각", "!",
        "a!", "'s",
        "▁", "<", "\u{FFFD}",
    ]

    /// Eight times the text is at most about eight times the work, with offsets and without.
    @Test(arguments: fixtures)
    func growsWithTheTextAlone(_ fixture: TokenizerFixture) throws {
        let tokenizer = try fixture.load()
        for unit in Self.units {
            let short = tokenizer.modelSteps(for: String(repeating: unit, count: 120))
            let long = tokenizer.modelSteps(for: String(repeating: unit, count: 960))
            #expect(long.ids <= 10 * short.ids + 100, "\(unit.debugDescription)")
            #expect(long.offsets <= 10 * short.offsets + 100, "\(unit.debugDescription)")
        }
    }

    /// What is quadratic outside the models would not come to an end here.
    @Test(arguments: fixtures)
    func agreesOnLongTexts(_ fixture: TokenizerFixture) throws {
        let tokenizer = try fixture.load()
        let text = Self.units.map { String(repeating: $0, count: 600) }.joined(separator: "x ")
        #expect(tokenizer.tokenIDs(text).ids == tokenizer.encode(text).ids)
    }

    /// A file may give two tokens one id, and merges, which go by ids, then take one for the other.
    @Test func agreesWhereTwoTokensHaveOneID() throws {
        let json = #"""
            {"added_tokens": [], "normalizer": null, "pre_tokenizer": null, "model": {
            "type": "BPE", "unk_token": "u", "merges": ["▁ a"],
            "vocab": {"u": 0, "▁": 1, "a": 1, "▁a": 2}}}
            """#
        let tokenizer = try Tokenizer(tokenizerJSON: Array(json.utf8))
        for text in ["a▁", "a▁a▁", "▁aa▁▁a"] {
            #expect(tokenizer.tokenIDs(text).ids == tokenizer.encode(text).ids)
        }
    }
}
