import JSON
import TestSupport
import Testing
import Tokenizers

/// WordPiece and BERT's pipeline on vocabularies small enough to read.
struct WordPieceTests {
    /// A BERT tokenizer of the given tokens, numbered from 0.
    private func tokenizer(
        _ tokens: [String], normalizer: String = #"{"type":"BertNormalizer","lowercase":true}"#,
        added: String = "[]", configuration: String? = nil
    ) throws -> Tokenizer {
        var vocabulary = JSONWriter()
        for (id, token) in tokens.enumerated() {
            vocabulary.raw(id == 0 ? "" : ",")
            vocabulary.string(token)
            vocabulary.raw(":\(id)")
        }
        let json = """
            {"added_tokens":\(added),"normalizer":\(normalizer),
             "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,
             "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
             "max_input_chars_per_word":100,
             "vocab":{\(String(decoding: vocabulary.bytes, as: UTF8.self))}}}
            """
        return try Tokenizer(
            tokenizerJSON: Array(json.utf8),
            tokenizerConfiguration: configuration.map { Array($0.utf8) })
    }

    private func tokens(_ tokenizer: Tokenizer, _ text: String) -> [String] {
        let encoding = tokenizer.encode(text)
        #expect(tokenizer.tokenIDs(text).ids == encoding.ids)
        return encoding.ids.compactMap(tokenizer.token(for:))
    }

    @Test(arguments: [
        ("unaffable", ["una", "##ffa", "##ble"]), ("unaffabl", ["[UNK]"]),
        ("una ble", ["una", "[UNK]"]),
        ("UNA,una", ["una", ",", "una"]), ("unaﬀ", ["[UNK]"]), ("ùná", ["una"]),
        ("u\u{200B}na", ["una"]),
        ("u\u{0}n\u{FFFD}a", ["una"]), ("una\u{85}una", ["[UNK]"]), ("\t\n\r\u{3000}", []),
        ("中unable中", ["[UNK]", "una", "##ble", "[UNK]"]),
    ])
    func takesTheLongestPieceFirst(_ text: String, _ expected: [String]) throws {
        let tokenizer = try tokenizer(["[UNK]", "un", "una", "##ffa", "##ble", "##b", ","])
        #expect(tokens(tokenizer, text) == expected)
    }

    @Test func comparesBytesAndNotCanonicalEquivalence() throws {
        let cased = #"{"type":"BertNormalizer","lowercase":false}"#
        let tokenizer = try tokenizer(["[UNK]", "é", "e\u{301}"], normalizer: cased)
        #expect(tokenizer.encode("é").ids == [1])
        #expect(tokenizer.encode("e\u{301}").ids == [2])
        #expect(tokenizer.id(for: "é") == 1)
        #expect(tokenizer.id(for: "e\u{301}") == 2)
    }

    @Test(arguments: [(99, 50), (100, 50), (101, 1), (100_000, 1)])
    func givesUpOnWordsOverTheLimit(_ letters: Int, _ pieces: Int) throws {
        let tokenizer = try tokenizer(["[UNK]", "aa", "##aa", "##a"])
        let encoding = tokenizer.encode(String(repeating: "a", count: letters))
        #expect(encoding.ids.count == pieces)
        #expect((encoding.ids[0] == 0) == (letters > 100))
        #expect(tokenizer.tokenIDs(String(repeating: "a", count: letters)).ids == encoding.ids)
    }

    @Test func countsTheBytesOfTheOriginalText() throws {
        let tokenizer = try tokenizer(["[UNK]", "na", "##ive", "中", "."])
        let encoding = tokenizer.encode("  Na\u{AD}ïve\u{301} 中.")
        #expect(encoding.offsets == [2..<4, 6..<10, 13..<16, 16..<17])
    }

    @Test(
        arguments: [
            ("the <m>", ["the", "<m>"], [0..<3, 3..<7]),
            ("the  <M> the", ["the", "[UNK]", "[UNK]", "the"], nil),
            ("the<m>the", ["the", "<m>", "the"], [0..<3, 3..<6, 6..<9]),
            ("lx xlx lx.", ["lx", "[UNK]", "lx", "[UNK]"], nil),
            ("ab abc", ["ab", "abc"], [0..<2, 3..<6]), ("THE ÉT", ["the", "ét"], nil),
        ] as [(String, [String], [Range<Int>]?)])
    func findsAddedTokens(_ text: String, _ expected: [String], _ ranges: [Range<Int>]?) throws {
        let tokenizer = try tokenizer(
            ["[UNK]", "the", "<"],
            added: """
                [{"id":10,"content":"<m>","lstrip":true,"normalized":false,"special":true},
                 {"id":11,"content":"lx","single_word":true,"normalized":false},
                 {"id":12,"content":"ab","normalized":false},{"id":13,"content":"abc","normalized":false},
                 {"id":14,"content":"ét","normalized":true}]
                """)
        let encoding = tokenizer.encode(text)
        #expect(encoding.ids.compactMap(tokenizer.token(for:)).filter { $0 != "<" } == expected)
        if let ranges { #expect(encoding.offsets == ranges) }
        #expect(tokenizer.vocabularySize == 15)
    }

    @Test(
        arguments: [
            (nil, "the THE", [1, 1]), (#"{"do_lower_case":false}"#, "the THE", [1, 2]),
            (#"{"tokenizer_class":"BertTokenizerFast","do_lower_case":false}"#, "the THE", [1, 2]),
            (#"{"tokenizer_class":"PreTrainedTokenizerFast","do_lower_case":false}"#, "THE", [1]),
            (#"{"strip_accents":false}"#, "thé", [0]), (#"{"strip_accents":null}"#, "thé", [1]),
        ] as [(String?, String, [Int32])])
    func letsTheConfigurationOverrideBert(
        _ configuration: String?, _ text: String, _ ids: [Int32]
    ) throws {
        let tokenizer = try tokenizer(["[UNK]", "the", "THE"], configuration: configuration)
        #expect(tokenizer.encode(text).ids == ids)
        #expect(tokenizer.tokenIDs(text).ids == ids)
    }

    @Test(arguments: [("right", [1, 2]), ("left", [2, 3])] as [(String, [Int32])])
    func truncatesTheSideOfTheConfiguration(_ side: String, _ ids: [Int32]) throws {
        let tokenizer = try tokenizer(
            ["[UNK]", "a", "b", "c"], configuration: #"{"truncation_side":"\#(side)"}"#)
        let encoding = tokenizer.encode("a b c", maxLength: 2)
        #expect(encoding.ids == ids)
        #expect(encoding.isTruncated)
        #expect(tokenizer.tokenIDs("a b c", maxLength: 2).ids == ids)
        #expect(tokenizer.tokenIDs("a b c", maxLength: 2).isTruncated)
        #expect(!tokenizer.tokenIDs("a b c", maxLength: 3).isTruncated)
    }

    @Test(
        arguments: [
            (#"{"model_max_length":512}"#, 512),
            (#"{"model_max_length":1000000000000000019884624838656}"#, nil), ("{}", nil),
        ] as [(String, Int?)])
    func readsTheLengthLimit(_ configuration: String, _ limit: Int?) throws {
        let tokenizer = try tokenizer(["[UNK]"], configuration: configuration)
        #expect(tokenizer.modelMaxLength == limit)
    }

    /// Texts on which a careless tokenizer takes quadratic time; they only have to come to an end.
    @Test(arguments: [
        "a", "\u{301}\u{323}", "👨\u{200D}", " ", "[", "\u{302E}\u{1D165}", "각", "a ", "\u{0}",
    ])
    func endsOnHostileText(_ unit: String) throws {
        let tokenizer = try TokenizerFixture("bert").load()
        let text = String(repeating: unit, count: 20_000)
        #expect(tokenizer.tokenIDs(text).ids == tokenizer.encode(text).ids)
    }
}

/// Files that are wrong, and what is said about them.
struct TokenizerFileTests {
    @Test(arguments: [
        ("", ""), ("[]", ""), ("{}", "model"),
        (#"{"model":{"type":"Magic","vocab":{}}}"#, "model.type"),
        (#"{"model":{"type":"WordPiece","vocab":{"a":0}}}"#, "model.unk_token"),
        (#"{"model":{"type":"WordPiece","vocab":{"[UNK]":-1}}}"#, ""),
        (#"{"model":{"type":"WordPiece","vocab":{"[UNK]":4294967296}}}"#, ""),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"normalizer":{"type":"Magic"}}"#,
            "normalizer.type"
        ),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"pre_tokenizer":{"type":"Magic"}}"#,
            "pre_tokenizer.type"
        ),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"a+b"}}}"#,
            "pre_tokenizer.pattern.Regex"
        ),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"normalizer":{"type":"Replace","pattern":{"Regex":"(x|y)*"},"content":""}}"#,
            "normalizer.pattern.Regex"
        ),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"added_tokens":[{"id":1}]}"#,
            "added_tokens[0].content"
        ),
        (
            #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}},"post_processor":{"type":"BertProcessing"}}"#,
            "post_processor.cls"
        ),
    ])
    func namesTheField(_ json: String, _ field: String) {
        let error = #expect(throws: TokenizerFileError.self) {
            try Tokenizer(tokenizerJSON: Array(json.utf8))
        }
        #expect(error?.file == "tokenizer.json")
        #expect(error?.field == field, "\(error?.description ?? "")")
    }

    @Test func namesTheConfigurationFile() {
        let json = #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0}}}"#
        let error = #expect(throws: TokenizerFileError.self) {
            try Tokenizer(
                tokenizerJSON: Array(json.utf8),
                tokenizerConfiguration: Array(#"{"model_max_length":"long"}"#.utf8))
        }
        #expect(error?.description.hasPrefix("tokenizer_config.json: model_max_length: ") == true)
    }
}

/// The fused pass against the plain pipeline on random text.
struct BertTokenizationTests {
    @Test(arguments: [
        ("bert", 1), ("bert-cased", 2), ("bert-cased-stripped", 3), ("bert-lower-accents", 4),
    ])
    func agreesWithThePlainPipeline(_ name: String, _ seed: UInt64) throws {
        let tokenizer = try TokenizerFixture(name, files: "bert").load()
        var random = SplitMix(state: seed)
        let alphabets: [[ClosedRange<UInt32>]] = [
            [0x20...0x7E], [0x20...0x7E, 0x300...0x36F], [0xC0...0x24F, 0x1E00...0x1EFF],
            [0x0...0xA0, 0x2000...0x206F], [0x900...0x97F, 0x20...0x20],
            [0xAC00...0xD7A3, 0x1100...0x11FF],
            [0x4E00...0x4FFF, 0x3000...0x30FF], [0x1D150...0x1D1FF, 0x302A...0x302F],
            [0x0...0x10FFFF],
        ]
        for _ in 0..<1500 {
            let ranges = alphabets[Int.random(in: 0..<alphabets.count, using: &random)]
            var text = ""
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
                let value = UInt32.random(in: range, using: &random)
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
                if Int.random(in: 0..<12, using: &random) == 0 { text += "[SEP]" }
            }
            let limit = Int.random(in: 0..<3, using: &random) == 0 ? 7 : nil
            let whole = tokenizer.encode(text, maxLength: limit)
            let fast = tokenizer.tokenIDs(text, maxLength: limit)
            #expect(
                fast.ids == whole.ids && fast.isTruncated == whole.isTruncated,
                "\(text.debugDescription)")
            #expect(tokenizer.wrap(ids: Array(whole.ids.dropFirst().dropLast())) == whole.ids)
        }
    }
}

/// A small seeded generator (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
