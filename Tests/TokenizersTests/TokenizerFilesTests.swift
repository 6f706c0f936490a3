import JSON
import TestSupport
import Testing
import Tokenizers

/// Folders without `tokenizer.json`, and special tokens that only side files name.
struct TokenizerFilesTests {
    private static let texts = [
        "All human beings are born free", "Ärger [MASK] 中文 don't <mask>!", " a<s>b  ", "",
    ]

    /// The vocabulary of a fixture in the order of its ids, and its merges.
    private static func vocabulary(of name: String) throws -> (tokens: [String], merges: [String]) {
        let bytes = try Fixture.bytes("tokenizers/\(name)/tokenizer.json")
        let root = try JSONValue(parsing: bytes).object?["model"]?.object
        let vocabulary = try #require(root?["vocab"]?.object)
        let tokens = vocabulary.members.sorted { $0.value.int ?? 0 < $1.value.int ?? 0 }
        let merges = (root?["merges"]?.array ?? []).map { merge in
            merge.string
                ?? (merge.array ?? []).compactMap(\.string).joined(separator: " ")
        }
        return (tokens.map(\.key), merges)
    }

    private static func json(_ tokens: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.raw("{")
        for (id, token) in tokens.enumerated() {
            if id > 0 { json.raw(",") }
            json.string(token)
            json.raw(":\(id)")
        }
        json.raw("}")
        return json.bytes
    }

    private func expectEqual(_ made: Tokenizer, _ reference: Tokenizer) {
        for text in Self.texts + TokenizerFixture.corpus.prefix(400) {
            #expect(made.encode(text) == reference.encode(text), "\(text.debugDescription)")
            let pair = made.encode(text, and: "and more", maxLength: 12)
            #expect(pair == reference.encode(text, and: "and more", maxLength: 12))
        }
    }

    @Test(arguments: ["BertTokenizer", "DistilBertTokenizerFast", nil])
    func readsVocabTxtAsBERTs(className: String?) throws {
        let tokens = try Self.vocabulary(of: "bert").tokens
        var files = TokenizerFiles()
        files.wordPieces = Array((tokens.joined(separator: "\n") + "\n").utf8)
        let name = className.map { #""tokenizer_class":"\#($0)","# } ?? ""
        files.configuration = Array("{\(name)\"model_max_length\":77}".utf8)
        let made = try Tokenizer(files)
        expectEqual(made, try TokenizerFixture("bert").load())
        #expect(made.modelMaxLength == 77)
    }

    @Test func obeysTheFlagsBesideVocabTxt() throws {
        let tokens = try Self.vocabulary(of: "bert").tokens
        var files = TokenizerFiles()
        files.wordPieces = Array(tokens.joined(separator: "\r\n").utf8)
        files.configuration = try Fixture.bytes("tokenizers/bert-cased/tokenizer_config.json")
        expectEqual(try Tokenizer(files), try TokenizerFixture("bert-cased", files: "bert").load())
    }

    /// transformers 5.23: `<s>` and `</s>` around a text, two between texts, `<mask>` takes spaces.
    @Test func readsVocabTxtAsMPNets() throws {
        var files = TokenizerFiles()
        files.wordPieces = Array("<s>\n<pad>\n</s>\n[UNK]\na\nb\n<mask>\n".utf8)
        let made = try Tokenizer(files)
        #expect(made.encode("a  <mask>b x").ids == [0, 4, 6, 5, 3, 2])
        #expect(made.encode("a", and: "b").ids == [0, 4, 2, 2, 5, 2])
        #expect(made.encode("a", and: "b").typeIDs.allSatisfy { $0 == 0 })
    }

    @Test(arguments: ["RobertaTokenizer", nil])
    func readsVocabJSONAndMergesAsRoBERTas(className: String?) throws {
        let (tokens, merges) = try Self.vocabulary(of: "roberta")
        var files = TokenizerFiles()
        files.vocabulary = Self.json(tokens)
        files.merges = Array(("#version: 0.2\n" + merges.joined(separator: "\n") + "\n").utf8)
        files.configuration = className.map { Array(#"{"tokenizer_class":"\#($0)"}"#.utf8) }
        let made = try Tokenizer(files)
        let reference = try TokenizerFixture("roberta").load()
        // The fixture's own `<mask>` takes the spaces before it; the class's does not.
        for text in TokenizerFixture.corpus.prefix(800) where !text.contains("<mask>") {
            #expect(made.encode(text) == reference.encode(text), "\(text.debugDescription)")
        }
    }

    @Test func readsQwensFilesWithTheirAddedTokens() throws {
        let (tokens, merges) = try Self.vocabulary(of: "qwen2")
        var files = TokenizerFiles()
        files.vocabulary = Self.json(tokens)
        files.merges = Array(merges.joined(separator: "\n").utf8)
        let id = tokens.count
        files.configuration = Array(
            """
            {"tokenizer_class":"Qwen2Tokenizer","added_tokens_decoder":
            {"\(id)":{"content":"<|x|>","special":true}}}
            """.utf8)
        let made = try Tokenizer(files)
        #expect(made.encode("<|x|>").ids == [Int32(id)])
        let reference = try TokenizerFixture("qwen2").load()
        for text in TokenizerFixture.corpus.prefix(400) where !text.contains("<|") {
            #expect(made.encode(text).ids == reference.encode(text).ids)
        }
    }

    @Test(
        arguments: [
            (#"{"mask_token":"human"}"#, nil),
            (#"{"mask_token":{"__type":"AddedToken","content":"human","normalized":false}}"#, nil),
            (nil, #"{"additional_special_tokens":["human"],"add_bos_token":true}"#),
            (#"{"cls_token":"[CLS]"}"#, #"{"x_token":"human"}"#),
        ] as [(String?, String?)])
    func looksForTokensThatSideFilesName(configuration: String?, map: String?) throws {
        var files = TokenizerFiles(
            tokenizer: try Fixture.bytes("tokenizers/bert/tokenizer.json"),
            configuration: configuration.map { Array($0.utf8) })
        let plain = try Tokenizer(files)
        files.specialTokens = map.map { Array($0.utf8) }
        let made = try Tokenizer(files)
        let human = try #require(made.id(for: "human"))
        #expect(made.encode("xhumanx", addSpecialTokens: false).ids.contains(human))
        if configuration == nil {
            #expect(!plain.encode("xhumanx", addSpecialTokens: false).ids.contains(human))
        }
        #expect(made.vocabularySize == plain.vocabularySize)
    }

    @Test func leavesOutNamedTokensThatHaveNoID() throws {
        let files = TokenizerFiles(
            tokenizer: try Fixture.bytes("tokenizers/bert/tokenizer.json"),
            configuration: Array(#"{"mask_token":"<new>"}"#.utf8))
        #expect(try Tokenizer(files).id(for: "<new>") == nil)
    }

    /// Sentence-Transformers 6 puts Lowercase before whatever normalizer there is.
    @Test(arguments: ["bert-cased", "roberta", "t5", "albert"])
    func lowercasesFirstWhereTheFolderAsks(_ name: String) throws {
        let fixture = TokenizerFixture(name, files: name == "bert-cased" ? "bert" : nil)
        let files = TokenizerFiles(
            tokenizer: try Fixture.bytes("tokenizers/\(fixture.files)/tokenizer.json"),
            configuration: try? Fixture.bytes("tokenizers/\(name)/tokenizer_config.json"))
        let made = try Tokenizer(files, lowercases: true)
        let plain = try fixture.load()
        for text in ["ALL Human Beings ÄÖ", "ΣΊΣΥΦΟΣ"] {
            // Per scalar, so that the last sigma is not final.
            let lower = String(
                String.UnicodeScalarView(
                    text.unicodeScalars.flatMap { $0.properties.lowercaseMapping.unicodeScalars }))
            #expect(made.encode(text).ids == plain.encode(lower).ids)
            #expect(made.tokenIDs(text).ids == made.encode(text).ids)
        }
    }

    /// transformers makes the steps of Unigram's classes anew: words are cut at white space first.
    @Test func cutsAtWhiteSpaceWhereTheClassDoes() throws {
        func tokenizer(_ configuration: String, model: String? = nil) throws -> Tokenizer {
            var files = TokenizerFiles(
                tokenizer: try Fixture.bytes("tokenizers/t5/tokenizer.json"),
                configuration: Array(configuration.utf8))
            files.model = model.map { Array($0.utf8) }
            return try Tokenizer(files)
        }
        let byFile = try tokenizer("{}")
        let byClass = try tokenizer(
            #"{"tokenizer_class":"T5TokenizerFast","add_prefix_space":false}"#)
        let plain = try tokenizer(
            #"{"tokenizer_class":"T5Tokenizer"}"#, model: #"{"model_type":"umt5"}"#)
        let unprefixed = try tokenizer(
            #"{"tokenizer_class":"XLMRobertaTokenizer","add_prefix_space":false}"#)
        let text = "two  human beings "
        #expect(byClass.encode(text).ids == byClass.encode("two human beings").ids)
        #expect(byFile.encode(text).ids != byFile.encode("two human beings").ids)
        #expect(unprefixed.encode("human").ids != byClass.encode("human").ids)
        for text in TokenizerFixture.corpus.prefix(400) {
            #expect(byClass.tokenIDs(text).ids == byClass.encode(text).ids)
            #expect(plain.encode(text) == byFile.encode(text))
        }
    }

    /// Templates that would make more tokens of a text than it may have, or none.
    @Test(arguments: [
        ("AA", "AB", "post_processor.single: must name the text, A, once"),
        ("", "AB", "post_processor.single: must name the text, A, once"),
        ("B", "AB", "post_processor.single: must name the text, A, once"),
        ("AB", "AB", "post_processor.single: must name the text, A, once"),
        ("A", "AAB", "post_processor.pair: must name neither A nor B twice"),
        ("A", "BAB", "post_processor.pair: must name neither A nor B twice"),
        ("A", "A", nil), ("A", "BA", nil),
    ])
    func refusesTemplatesThatRepeatTheText(single: String, pair: String, message: String?) throws {
        func template(_ names: String) -> String {
            names.map { #"{"Sequence":{"id":"\#($0)","type_id":0}}"# }.joined(separator: ",")
        }
        let files = TokenizerFiles(
            tokenizer: Array(
                #"""
                {"model":{"type":"WordLevel","vocab":{"<unk>":0},"unk_token":"<unk>"},"post_processor":
                {"type":"TemplateProcessing","special_tokens":{},"single":[\#(template(single))],
                "pair":[\#(template(pair))]}}
                """#.utf8))
        do {
            _ = try Tokenizer(files)
            #expect(message == nil)
        } catch {
            #expect(message.map(error.description.contains) == true, "\(error)")
        }
    }

    @Test func saysWhatIsMissing() throws {
        func message(_ change: (inout TokenizerFiles) -> Void) -> String {
            var files = TokenizerFiles()
            change(&files)
            do {
                _ = try Tokenizer(files)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(message { _ in }.contains("vocab.json with merges.txt"))
        #expect(message { $0.sentencePieceName = "spiece.model" }.contains("save_pretrained"))
        #expect(message { $0.vocabulary = Array("{}".utf8) }.contains("merges.txt"))
        #expect(message { $0.wordPieces = Array("a\n".utf8) }.contains("vocab.txt: has no"))
        let unknown = message {
            $0.vocabulary = Array("{}".utf8)
            $0.merges = []
            $0.configuration = Array(#"{"tokenizer_class":"OddTokenizer"}"#.utf8)
        }
        #expect(unknown.contains("'OddTokenizer'"))
        let pattern = message {
            $0.tokenizer = Array(
                #"""
                {"model":{"type":"WordLevel","vocab":{"<unk>":0}},"pre_tokenizer":
                {"type":"Split","pattern":{"Regex":"[ab]+c"},"behavior":"Isolated"}}
                """#.utf8)
        }
        #expect(pattern.contains("\"[ab]+c\" is not supported"))
    }
}
