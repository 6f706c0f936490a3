import JSON
import Platform

extension ModulePipeline.Outline {
    /// Reads `modules.json`, or notes that there is none.
    ///
    /// - Throws: ``ModelError``.
    init(_ folder: ModelFolder) throws(ModelError) {
        let path = folder.file("modules.json")
        guard Files.exists(path) else {
            self.init()
            guard try TableLayout.isModel2Vec(folder) else { return }
            kind = .staticEmbedding
            let file = try ConfigurationFile.ifPresent(path: folder.file("config.json"))
            if try file?.flag("normalize") ?? false { unlisted = .normalizedMean }
            return
        }
        guard case .array(let modules) = try ConfigurationFile.value(path: path) else {
            throw .malformed(file: path, field: nil, reason: "an array of modules is expected")
        }
        var listed: [ModulePipeline.Module] = []
        for (index, value) in modules.enumerated() {
            listed.append(try Self.module(index, value, path: path))
        }
        try self.init(listed: listed, origin: path)
    }

    /// The modules of a list, of which the first must give the token vectors.
    ///
    /// - Parameters:
    ///   - origin: the file with the list.
    ///   - list: the keys that lead to it, for errors.
    /// - Throws: ``ModelError``.
    init(
        listed: [ModulePipeline.Module], origin: String, list: String = ""
    ) throws(ModelError) {
        guard let first = listed.first, ModulePipeline.Kind.inputs.contains(first.kind) else {
            throw .unsupported(
                file: origin, field: "\(list)[0].type",
                value: listed.first?.kind.rawValue ?? "an empty list",
                supported: ModulePipeline.Kind.inputs.map(\.rawValue))
        }
        self.origin = origin
        self.list = list
        kind = first.kind
        inputPath = first.path
        if kind == .wordEmbeddings, listed.count > 1, listed[1].kind == .wordWeights {
            wordWeightsPath = listed[1].path
        }
        following = Array(listed.dropFirst(countBeforeFollowing))
    }

    /// The modules of the list that give token vectors.
    var countBeforeFollowing: Int { wordWeightsPath == nil ? 1 : 2 }

    private static func module(
        _ index: Int, _ value: JSONValue, path: String
    ) throws(ModelError) -> ModulePipeline.Module {
        let module = try ConfigurationFile(path: path, name: "[\(index)]", value: value)
        let kind = try Self.kind(module, "type")
        let modulePath = ModelFolder.tidy(try module.text("path") ?? "")
        guard ModelFolder.isInside(modulePath) else {
            throw .malformed(
                file: path, field: module.name("path"),
                reason: "\(modulePath) is not a path inside the folder")
        }
        return ModulePipeline.Module(kind: kind, path: modulePath)
    }

    /// The kind of the module whose class stands at `key`.
    ///
    /// - Throws: `ModelError.unsupported` for one that is not implemented.
    static func kind(
        _ file: ConfigurationFile, _ key: String
    ) throws(ModelError) -> ModulePipeline.Kind {
        let type = try file.requiredText(key)
        // A class from elsewhere is code that came with the folder, and nothing here runs it.
        guard type.hasPrefix("sentence_transformers."),
            let kind = Self.kind(ofClass: type.split(separator: ".").last.map(String.init) ?? "")
        else {
            throw file.unsupported(
                key, type, supported: ModulePipeline.Kind.allCases.map(\.rawValue))
        }
        return kind == .asym ? .router : kind
    }

    private static func kind(ofClass name: String) -> ModulePipeline.Kind? {
        // The first releases had one class for each architecture.
        let legacyTransformers = [
            "BERT", "RoBERTa", "DistilBERT", "ALBERT", "CamemBERT", "XLMRoBERTa",
        ]
        return legacyTransformers.contains(name) ? .transformer : .init(rawValue: name)
    }
}
