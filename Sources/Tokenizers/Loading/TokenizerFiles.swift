/// The files of a model folder that a tokenizer is made of; each is nil when it is not there.
package struct TokenizerFiles: Sendable {
    /// `tokenizer.json`, the whole tokenizer; only without it the files of older models are read.
    package var tokenizer: [UInt8]?
    /// `tokenizer_config.json`: limits, flags, the class.
    package var configuration: [UInt8]?
    /// `config.json` of the model, which says what it is.
    package var model: [UInt8]?
    /// `special_tokens_map.json`: special tokens by their use.
    package var specialTokens: [UInt8]?
    /// `added_tokens.json`: ids by token, of older models.
    package var addedTokens: [UInt8]?
    /// `vocab.txt`: one WordPiece token a line.
    package var wordPieces: [UInt8]?
    /// `vocab.json`: ids by token, with `merges` the older form of byte-level BPE.
    package var vocabulary: [UInt8]?
    /// `merges.txt`: two tokens a line, the first merge first.
    package var merges: [UInt8]?
    /// `whitespacetokenizer_config.json`: the words of a list of word vectors.
    package var words: [UInt8]?
    /// The name of a SentencePiece model, which is not read.
    package var sentencePieceName: String?

    package init(tokenizer: [UInt8]? = nil, configuration: [UInt8]? = nil) {
        self.tokenizer = tokenizer
        self.configuration = configuration
    }

    /// The names under which folders have SentencePiece models.
    private static let sentencePieceNames = [
        "sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model",
    ]

    /// Reads what is needed of a folder.
    ///
    /// - Parameters:
    ///   - exists: whether the folder has a file.
    ///   - contents: the bytes of a file that is there.
    package init<Failure: Error>(
        exists: (_ name: String) -> Bool,
        contents: (_ name: String) throws(Failure) -> [UInt8]
    ) throws(Failure) {
        func read(_ name: String) throws(Failure) -> [UInt8]? {
            exists(name) ? try contents(name) : nil
        }
        tokenizer = try read("tokenizer.json")
        configuration = try read("tokenizer_config.json")
        model = try read("config.json")
        specialTokens = try read("special_tokens_map.json")
        guard tokenizer == nil else { return }
        words = try read(WordLookup.fileName)
        addedTokens = try read("added_tokens.json")
        wordPieces = try read("vocab.txt")
        vocabulary = try read("vocab.json")
        merges = try read("merges.txt")
        sentencePieceName = Self.sentencePieceNames.first(where: exists)
    }
}

extension Tokenizer {
    /// Makes the tokenizer of a folder's files, as transformers' AutoTokenizer does.
    ///
    /// - Parameter lowercases: whether texts are lowercased before anything else, as
    ///   `do_lower_case` of `sentence_bert_config.json` asks.
    /// - Parameter isPlain: whether `tokenizer.json` is used alone, as the tokenizers library reads it, and
    ///   without special tokens: so do static embeddings.
    package convenience init(
        _ files: TokenizerFiles, lowercases: Bool = false, isPlain: Bool = false
    ) throws(TokenizerFileError) {
        if isPlain, let json = files.tokenizer {
            var parts = try TokenizerFile(parsing: json).makeParts()
            let trimming = parts.postProcessor.trimming
            parts.postProcessor = PostProcessor()
            parts.postProcessor.trimming = trimming
            self.init(parts, try TokenizerConfiguration(TokenizerFiles()))
            return
        }
        let configuration = try TokenizerConfiguration(files)
        var parts: TokenizerParts
        if let json = files.tokenizer {
            parts = try TokenizerFile(parsing: json).makeParts()
            configuration.override(&parts)
        } else if let words = files.words {
            parts = TokenizerParts(
                model: .words(try WordLookup(parsing: words)), postProcessor: PostProcessor(),
                added: [])
        } else if files.wordPieces != nil || (files.vocabulary != nil && files.merges != nil) {
            parts = try VocabularyFiles(files, configuration).makeParts()
        } else {
            throw Self.missing(files)
        }
        if lowercases { parts.lowercaseFirst() }
        parts.added = configuration.adding(to: parts.added, vocabulary: parts.model.vocabulary)
        self.init(parts, configuration)
    }

    private static func missing(_ files: TokenizerFiles) -> TokenizerFileError {
        let reason =
            if let name = files.sentencePieceName {
                "is missing, and \(name) cannot be read instead; make it with transformers: "
                    + "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
            } else {
                "is missing, and so are vocab.txt and vocab.json with merges.txt"
            }
        return TokenizerFileError(field: "", reason: reason)
    }
}

/// The components of a tokenizer, before they are made ready for texts.
struct TokenizerParts {
    var model: TokenModel
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var postProcessor: PostProcessor
    var added: [AddedToken]

    /// Puts a lowercasing step first, unless there is one by itself or in a sequence, as
    /// Sentence-Transformers 6 does.
    mutating func lowercaseFirst() {
        switch normalizer {
        case nil: normalizer = .lowercase
        case .lowercase: return
        case .sequence(let steps):
            for case .lowercase in steps { return }
            normalizer = .sequence([.lowercase] + steps)
        case .some(let step): normalizer = .sequence([.lowercase, step])
        }
    }
}
