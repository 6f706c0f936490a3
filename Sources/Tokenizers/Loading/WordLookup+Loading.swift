import JSON

extension WordLookup {
    /// The name of the file in a WordEmbeddings module's folder.
    static let fileName = "whitespacetokenizer_config.json"

    /// Reads `whitespacetokenizer_config.json`: words in the order of their ids, and stop words.
    init(parsing bytes: [UInt8]) throws(TokenizerFileError) {
        var reader = JSONReader(bytes)
        var vocabulary = Vocabulary(capacity: 32_768)
        var (count, stopWords, lowercases) = (0, Set<[UInt8]>(), false)
        do throws(JSONError) {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                switch key {
                case "vocab":
                    try reader.beginArray()
                    while try reader.nextElement() {
                        guard count < TokenizerFile.idLimit else {
                            throw JSONError("vocab: is too long", at: reader.offset)
                        }
                        // Of equal words the last counts, as in the reference.
                        vocabulary.insert(try reader.readString().utf8, id: Int32(count))
                        count += 1
                    }
                case "stop_words":
                    try reader.beginArray()
                    while try reader.nextElement() {
                        stopWords.insert(Array(try reader.readString().utf8))
                    }
                case "do_lower_case": lowercases = try reader.readBool()
                default: try reader.skipValue()
                }
            }
            try reader.end()
        } catch {
            throw TokenizerFileError(file: Self.fileName, field: "", reason: error.description)
        }
        guard count > 0 else {
            throw TokenizerFileError(file: Self.fileName, field: "vocab", reason: "is missing")
        }
        self.init(vocabulary: vocabulary, stopWords: stopWords, lowercases: lowercases)
    }
}
