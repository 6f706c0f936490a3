import JSON

/// The `model` section of `tokenizer.json`.
struct ModelSection {
    /// Everything but the vocabulary and the merges.
    private var options: [String: JSONValue] = [:]
    private var vocabulary = Vocabulary(capacity: 32_768)
    /// Of a Unigram vocabulary, by id.
    private var scores: [Double] = []
    /// Two tokens each.
    private var merges: [String] = []

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "vocab" where try reader.peek() == .array: try readScoredVocabulary(&reader)
            case "vocab": try readVocabulary(&reader)
            case "merges": try readMerges(&reader)
            default: options[key] = try JSONValue(from: &reader)
            }
        }
    }

    /// The byte-pair model of `vocab.json` and the lines of `merges.txt`.
    init(
        vocabularyJSON: [UInt8], merges lines: [ArraySlice<UInt8>]
    ) throws(TokenizerFileError) {
        options["type"] = .string("BPE")
        var reader = JSONReader(vocabularyJSON)
        do throws(JSONError) {
            try readVocabulary(&reader)
            try reader.end()
        } catch {
            throw TokenizerFileError(file: "vocab.json", field: "", reason: error.description)
        }
        for (number, line) in lines.enumerated() where !line.starts(with: "#version".utf8) {
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw TokenizerFileError(
                    file: "merges.txt", field: "line \(number + 1)", reason: "must be two tokens")
            }
            merges += parts.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Reads `{"token": id, …}`.
    private mutating func readVocabulary(_ reader: inout JSONReader) throws(JSONError) {
        try reader.beginObject()
        while let token = try reader.nextKey() {
            let number = try reader.readNumber()
            guard let id = number.int, (0..<TokenizerFile.idLimit).contains(id) else {
                throw JSONError(
                    "model.vocab: the id of '\(token)' must be a whole number below "
                        + "\(TokenizerFile.idLimit)", at: reader.offset)
            }
            vocabulary.insert(token.utf8, id: Int32(id))
        }
    }

    /// Reads `[["token", score], …]`, where a token's id is its place.
    private mutating func readScoredVocabulary(_ reader: inout JSONReader) throws(JSONError) {
        try reader.beginArray()
        while try reader.nextElement() {
            try reader.beginArray()
            guard try reader.nextElement() else { throw pairError(reader) }
            let token = try reader.readString()
            guard try reader.nextElement() else { throw pairError(reader) }
            let score = try reader.readNumber().double
            guard try !reader.nextElement(), scores.count < TokenizerFile.idLimit else {
                throw pairError(reader)
            }
            vocabulary.insert(token.utf8, id: Int32(scores.count))
            scores.append(score)
        }
    }

    private func pairError(_ reader: JSONReader) -> JSONError {
        JSONError("model.vocab: each element must be a token and its score", at: reader.offset)
    }

    /// Reads `["a b", …]` or `[["a", "b"], …]`.
    private mutating func readMerges(_ reader: inout JSONReader) throws(JSONError) {
        try reader.beginArray()
        while try reader.nextElement() {
            if try reader.peek() == .string {
                let parts = try reader.readString().utf8.split(
                    separator: 0x20, omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw JSONError("model.merges: a merge must be two tokens", at: reader.offset)
                }
                merges += parts.map { String($0) ?? "" }
            } else {
                try reader.beginArray()
                var count = 0
                while try reader.nextElement() {
                    merges.append(try reader.readString())
                    count += 1
                }
                guard count == 2 else {
                    throw JSONError("model.merges: a merge must be two tokens", at: reader.offset)
                }
            }
        }
    }

    /// The model which the section describes.
    func make() throws(TokenizerFileError) -> TokenModel {
        let supported = ["BPE", "Unigram", "WordBytes", "WordLevel", "WordPiece"]
        guard let type = try option("type")?.string() ?? guessedType else {
            throw field("type").error("is missing; supported: \(supported.joined(separator: ", "))")
        }
        switch type {
        case "WordPiece": return .wordPiece(try makeWordPiece())
        case "BPE": return .bytePairEncoding(try makeBytePairEncoding())
        case "Unigram": return .unigram(try makeUnigram())
        case "WordBytes": return .wordBytes(try makeWordBytes())
        case "WordLevel": return .wordLevel(vocabulary, unknownID: try unknownID("<unk>"))
        default: throw field("").unsupported(type, supported: supported)
        }
    }

    /// Old files have no type; the options tell it.
    private var guessedType: String? {
        if options["max_input_chars_per_word"] != nil { return "WordPiece" }
        if !scores.isEmpty { return "Unigram" }
        return merges.isEmpty ? nil : "BPE"
    }

    private func makeWordPiece() throws(TokenizerFileError) -> WordPiece {
        let limit = try option("max_input_chars_per_word")?.int() ?? 100
        let prefix = try option("continuing_subword_prefix")?.string() ?? "##"
        return WordPiece(
            vocabulary: vocabulary, unknownID: try unknownID("[UNK]"),
            continuationPrefix: Array(prefix.utf8), wordScalarsMaximum: max(0, min(limit, 1 << 20)))
    }

    /// Not the reference's: what `scripts/convert/elmo.py` writes.
    private func makeWordBytes() throws(TokenizerFileError) -> WordBytes {
        guard let end = option("end_id"), let bytes = option("max_word_bytes") else {
            throw field("").error("must have end_id and max_word_bytes")
        }
        let id = try end.id()
        guard id > 255 else { throw end.error("must be more than a byte") }
        return WordBytes(endID: id, wordBytesMaximum: max(1, min(try bytes.int(), 1 << 20)))
    }

    private func makeUnigram() throws(TokenizerFileError) -> Unigram {
        guard let unknown = try option("unk_id")?.int() else {
            throw field("unk_id").error("is missing; without it some texts have no tokens")
        }
        guard scores.indices.contains(unknown) else {
            throw field("unk_id").error("must be an id of model.vocab")
        }
        guard vocabulary.bytes.count < 1 << 23 else {
            throw field("vocab").error("has more than 8 MiB of text")
        }
        return Unigram(
            vocabulary: vocabulary, scores: scores, unknownID: Int32(unknown),
            byteTokens: try byteTokens(),
            fusesUnknown: try option("fuse_unk")?.bool() ?? true)
    }

    private func makeBytePairEncoding() throws(TokenizerFileError) -> BytePairEncoding {
        if let dropout = option("dropout"), dropout.value.double != 0 {
            throw dropout.error("must be null or 0: results would be random")
        }
        var options = BytePairEncoding.Options()
        if option("unk_token") != nil { options.unknownID = try unknownID("") }
        options.fusesUnknown = try option("fuse_unk")?.bool() ?? false
        options.byteTokens = try byteTokens()
        options.ignoresMerges = try option("ignore_merges")?.bool() ?? false
        options.continuationPrefix = Array(
            (try option("continuing_subword_prefix")?.string() ?? "").utf8)
        options.endSuffix = Array((try option("end_of_word_suffix")?.string() ?? "").utf8)
        return BytePairEncoding(
            vocabulary: vocabulary,
            merges: try makeMerges(prefix: options.continuationPrefix.count), options: options)
    }

    private func makeMerges(prefix: Int) throws(TokenizerFileError) -> MergeTable {
        var table = MergeTable(capacity: merges.count / 2)
        for rank in 0..<merges.count / 2 {
            let (left, right) = (merges[2 * rank], merges[2 * rank + 1])
            guard let leftID = vocabulary.id(of: left.utf8),
                let rightID = vocabulary.id(of: right.utf8),
                let merged = vocabulary.id(of: Array(left.utf8) + right.utf8.dropFirst(prefix))
            else {
                throw field("merges[\(rank)]").error(
                    "'\(left)', '\(right)' and what they make must be in model.vocab")
            }
            table.insert(leftID, rightID, rank: rank, merged: merged)
        }
        return table
    }

    private func byteTokens() throws(TokenizerFileError) -> [Int32?] {
        guard try option("byte_fallback")?.bool() ?? false else { return [] }
        let digits = Array("0123456789ABCDEF")
        return (0..<256).map {
            vocabulary.id(of: "<0x\(digits[$0 >> 4])\(digits[$0 & 15])>".utf8)
        }
    }

    private func unknownID(_ standard: String) throws(TokenizerFileError) -> Int32 {
        let unknown = try option("unk_token")?.string() ?? standard
        guard let id = vocabulary.id(of: unknown.utf8) else {
            throw field("unk_token").error("'\(unknown)' is not in model.vocab")
        }
        return id
    }

    private func option(_ name: String) -> Field? {
        guard let value = options[name], value != .null else { return nil }
        return field(name, value)
    }

    private func field(_ name: String, _ value: JSONValue = .null) -> Field {
        Field(name.isEmpty ? "model" : "model.\(name)", value)
    }
}
