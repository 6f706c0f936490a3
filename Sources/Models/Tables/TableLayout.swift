import JSON
import Platform

/// Where a folder has a table of token vectors that know nothing of their neighbours.
struct TableLayout: Sendable {
    /// Who wrote the folder.
    enum Kind: String, Sendable {
        /// sentence-transformers' `StaticEmbedding`.
        case staticEmbedding = "static-embedding"
        /// model2vec, by itself or within `StaticEmbedding`.
        case model2vec
        /// sentence-transformers' `WordEmbeddings`.
        case wordEmbeddings = "word-embeddings"
    }

    let kind: Kind
    /// The module's folder; empty at the top.
    let path: String
    /// Of the tensor of vectors: `[vectors, width]`.
    let embeddings: String
    let width: Int
    /// Ids are below it: the number of vectors, or of rows of the mapping to them.
    let vocabularySize: Int
    /// The tensor `[vocabulary]` of the vector that an id has; nil where that is the id's own.
    let mapping: String?
    /// The tensor `[vocabulary]` of what each id's vector is multiplied by.
    let weights: String?
    /// The folder of a WordWeights module, whose weights are also the mean's divisor.
    var wordWeightsPath: String?

    /// model2vec's names of its tensors.
    private enum Name {
        static let embeddings = "embeddings"
        static let mapping = "mapping"
        static let weights = "weights"
    }

    /// Reads a StaticEmbedding module's table of contents, under either of its spellings.
    ///
    /// - Throws: ``ModelError``.
    init(staticEmbeddingIn path: String, of folder: ModelFolder) throws(ModelError) {
        let files = try WeightFiles(folder, in: path)
        let name = "embedding.weight"
        if files.contains(name) {
            try self.init(.staticEmbedding, path: path, files, embeddings: name)
        } else {
            try self.init(
                .model2vec, path: path, files, embeddings: Name.embeddings,
                mapping: files.contains(Name.mapping) ? Name.mapping : nil,
                weights: files.contains(Name.weights) ? Name.weights : nil)
        }
    }

    /// Reads a WordEmbeddings module's table of contents.
    ///
    /// - Throws: ``ModelError``.
    init(wordEmbeddingsIn path: String, of folder: ModelFolder) throws(ModelError) {
        try self.init(
            .wordEmbeddings, path: path, WeightFiles(folder, in: path),
            embeddings: "emb_layer.weight")
    }

    private init(
        _ kind: Kind, path: String, _ files: WeightFiles, embeddings: String,
        mapping: String? = nil, weights: String? = nil
    ) throws(ModelError) {
        let table = try files.tensor(named: embeddings)
        let limit = ModelConfiguration.Limit.self
        guard table.shape.count == 2, (1...limit.vocabulary).contains(table.shape[0]),
            (1...limit.width).contains(table.shape[1])
        else {
            throw .malformed(
                file: files.origin, field: "tensor \(embeddings)",
                reason: "shape \(table.shape) is not [vectors, width]")
        }
        try table.requireNumbers(files.origin)
        var count = table.shape[0]
        if let mapping {
            let shape = try files.tensor(named: mapping).shape
            guard shape.count == 1, (1...limit.vocabulary).contains(shape[0]) else {
                throw .malformed(
                    file: files.origin, field: "tensor \(mapping)",
                    reason: "shape \(shape) is not [vocabulary]")
            }
            count = shape[0]
        }
        self.kind = kind
        self.path = path
        self.embeddings = embeddings
        self.mapping = mapping
        self.weights = weights
        width = table.shape[1]
        vocabularySize = count
    }
}

extension TableLayout {
    /// Whether a folder without a `modules.json` is model2vec's: its `config.json`, where there is one,
    /// names no other kind, and the weights have its tensor.
    static func isModel2Vec(_ folder: ModelFolder) throws(ModelError) -> Bool {
        let path = folder.file("config.json")
        if let type = try ConfigurationFile.ifPresent(path: path)?.text("model_type") {
            return type == Kind.model2vec.rawValue
        }
        guard Files.exists(folder.file("model.safetensors")) else { return false }
        return try WeightFiles(folder).contains(Name.embeddings)
    }

    /// The length at which `tokenizer.json` cuts texts, which this module's texts keep to; nil for none.
    ///
    /// - Throws: ``ModelError``.
    static func truncation(inTokenizerAt path: String) throws(ModelError) -> Int? {
        let bytes: [UInt8]
        do {
            bytes = try Files.contents(of: path, limit: 256 << 20)
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
        guard let value = try truncationSection(bytes, path), value != .null else { return nil }
        let section = try ConfigurationFile(path: path, name: "truncation", value: value)
        if let side = try section.text("direction"), side != "Right" {
            throw section.unsupported("direction", side, supported: ["Right"])
        }
        return try section.requiredInteger("max_length", in: 1...SequenceLimit.unbounded)
    }

    private static func truncationSection(
        _ bytes: [UInt8], _ path: String
    ) throws(ModelError) -> JSONValue? {
        do throws(JSONError) {
            var reader = JSONReader(bytes)
            try reader.beginObject()
            // It stands at the top of the file, before the vocabulary.
            while let key = try reader.nextKey() {
                if key == "truncation" { return try JSONValue(from: &reader) }
                if key == "model" { return nil }
                try reader.skipValue()
            }
            return nil
        } catch {
            throw .malformed(file: path, field: nil, reason: "not valid JSON: \(error)")
        }
    }
}
