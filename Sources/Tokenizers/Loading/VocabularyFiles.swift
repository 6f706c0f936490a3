import JSON

/// The tokenizer of a folder without `tokenizer.json`, by the rules of its class in transformers 5.
struct VocabularyFiles {
    private let files: TokenizerFiles
    private let configuration: TokenizerConfiguration

    init(_ files: TokenizerFiles, _ configuration: TokenizerConfiguration) {
        self.files = files
        self.configuration = configuration
    }

    /// Classes of byte-level BPE with `<s>` and `</s>` around a text.
    private static let robertaClasses: Set<String> = [
        "RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer",
    ]
    private static let plainClasses: Set<String> = ["GPT2Tokenizer", "GPTNeoXTokenizer"]
    private static let qwenClasses: Set<String> = ["Qwen2Tokenizer"]

    func makeParts() throws(TokenizerFileError) -> TokenizerParts {
        if let text = files.wordPieces, files.vocabulary == nil || isWordPieceClass {
            return try wordPieceParts(Self.lines(text))
        }
        guard let vocabulary = files.vocabulary, let merges = files.merges else {
            throw TokenizerFileError(
                file: "merges.txt", field: "", reason: "is missing beside vocab.json")
        }
        return try bytePairParts(
            ModelSection(vocabularyJSON: vocabulary, merges: Self.lines(merges)))
    }

    private var isWordPieceClass: Bool {
        configuration.tokenizerClass.map(TokenizerConfiguration.bertClasses.contains) ?? false
    }

    // MARK: WordPiece

    private func wordPieceParts(
        _ lines: [ArraySlice<UInt8>]
    ) throws(TokenizerFileError) -> TokenizerParts {
        var vocabulary = Vocabulary(capacity: lines.count)
        for (id, line) in lines.prefix(TokenizerFile.idLimit).enumerated() {
            vocabulary.insert(Self.trimmingEnd(line), id: Int32(id))
        }
        let isMPNet =
            configuration.tokenizerClass.map { $0 == "MPNetTokenizer" }
            ?? (vocabulary.id(of: "[CLS]".utf8) == nil && vocabulary.id(of: "<s>".utf8) != nil)
        let names =
            isMPNet
            ? [
                "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>",
                "mask_token": "<mask>",
            ]
            : [
                "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]",
                "mask_token": "[MASK]",
            ]
        let specials = try Specials(
            names.merging(["unk_token": "[UNK]"]) { $1 }, configuration, vocabulary,
            file: "vocab.txt")
        let model = WordPiece(
            vocabulary: vocabulary, unknownID: try specials.id("unk_token"),
            continuationPrefix: Array("##".utf8), wordScalarsMaximum: 100)
        let cls = try specials.id("cls_token")
        let sep = try specials.id("sep_token")
        return TokenizerParts(
            model: .wordPiece(model),
            normalizer: configuration.overriding(.bert(BertNormalizer())), preTokenizer: .bert,
            postProcessor: isMPNet
                ? .roberta(cls: cls, sep: sep, trimming: .init(addsPrefixSpace: false))
                : .bert(cls: cls, sep: sep),
            added: try addedTokens(specials, leftStripped: isMPNet ? "mask_token" : nil))
    }

    // MARK: Byte-level BPE

    private func bytePairParts(
        _ section: ModelSection
    ) throws(TokenizerFileError) -> TokenizerParts {
        let model = try section.make()
        let hasStart = model.vocabulary.id(of: "<s>".utf8) != nil
        let name = configuration.tokenizerClass ?? (hasStart ? "RobertaTokenizer" : "GPT2Tokenizer")
        let prefix = configuration.addsPrefixSpace
        var parts = TokenizerParts(
            model: model, preTokenizer: .byteLevel(addsPrefixSpace: prefix, splitsWords: true),
            postProcessor: PostProcessor(), added: [])
        var names: [String: String] = [:]
        if Self.robertaClasses.contains(name) {
            names = [
                "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>",
                "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
            ]
        } else if Self.qwenClasses.contains(name) {
            parts.normalizer = .compose(isCompatible: false)
            parts.preTokenizer = .sequence([
                .split(.words(.qwen2), .isolated, isInverted: false),
                .byteLevel(addsPrefixSpace: prefix, splitsWords: false),
            ])
        } else if !Self.plainClasses.contains(name) {
            let known = Self.robertaClasses.union(Self.plainClasses).union(Self.qwenClasses)
            throw TokenizerFileError(
                file: "tokenizer_config.json", field: "tokenizer_class",
                reason: "'\(name)' with vocab.json and merges.txt is not supported; supported: "
                    + known.sorted().joined(separator: ", ") + "; or a tokenizer.json")
        }
        let specials = try Specials(
            names, configuration, model.vocabulary, file: "vocab.json")
        if Self.robertaClasses.contains(name) {
            parts.postProcessor = .roberta(
                cls: try specials.id("cls_token"), sep: try specials.id("sep_token"),
                trimming: .init(addsPrefixSpace: prefix))
        }
        parts.added = try addedTokens(specials, leftStripped: nil)
        return parts
    }

    // MARK: Tokens

    /// The class's special tokens, and those of `added_tokens.json`.
    private func addedTokens(
        _ specials: Specials, leftStripped: String?
    ) throws(TokenizerFileError) -> [AddedToken] {
        var tokens = specials.added
        for index in tokens.indices
        where leftStripped.map(specials.content)?.utf8.elementsEqual(tokens[index].content) ?? false
        {
            tokens[index].stripsLeft = true
        }
        guard let bytes = files.addedTokens else { return tokens }
        let root = try TokenizerConfiguration.root(of: bytes, file: "added_tokens.json")
        for (content, field) in try root.members() {
            tokens.append(AddedToken(id: try field.id(), content: Array(content.utf8)))
        }
        return tokens
    }

    /// The special tokens of a class, under the names that the folder gives them.
    private struct Specials {
        private let contents: [String: String]
        private let vocabulary: Vocabulary
        private let file: String

        init(
            _ standard: [String: String], _ configuration: TokenizerConfiguration,
            _ vocabulary: Vocabulary, file: String
        ) throws(TokenizerFileError) {
            contents = Dictionary(
                uniqueKeysWithValues: standard.map { use, content in
                    (use, configuration.named.content(use, default: content))
                })
            self.vocabulary = vocabulary
            self.file = file
        }

        func content(_ use: String) -> String { contents[use] ?? "" }

        func id(_ use: String) throws(TokenizerFileError) -> Int32 {
            guard let id = vocabulary.id(of: content(use).utf8) else {
                throw TokenizerFileError(
                    file: file, field: "", reason: "has no \(use) '\(content(use))'")
            }
            return id
        }

        /// Those that the vocabulary has, by id.
        var added: [AddedToken] {
            Set(contents.values).compactMap { content in
                vocabulary.id(of: content.utf8).map {
                    AddedToken(id: $0, content: Array(content.utf8), isNormalized: false)
                }
            }.sorted { $0.id < $1.id }
        }
    }

    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        return lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
    }

    /// A line without the white space at its end, as the reference reads a vocabulary.
    private static func trimmingEnd(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var text = AlignedText(original: Array(line), 0..<line.count, isTracked: false)
        text.strip(left: false, right: true)
        return text.bytes
    }
}
