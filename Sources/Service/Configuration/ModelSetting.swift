import Models

/// One model that is to be served, with all that its requests depend on.
package struct ModelSetting: Hashable, Sendable {
    package var folder: String
    /// Names that requests may use, `*` for any name that no model has.
    ///
    /// Empty for the folder's own name.
    package var names: [String]
    package var dtype: String
    package var kernels: String
    package var truncate: Bool
    /// The folder's prompt for requests that choose none; nil for the folder's own choice.
    package var promptName: String?

    package init(
        folder: String, names: [String], dtype: String, kernels: String, truncate: Bool,
        promptName: String? = nil
    ) {
        (self.folder, self.names, self.truncate) = (folder, names, truncate)
        (self.dtype, self.kernels, self.promptName) = (dtype, kernels, promptName)
    }

    /// The names without `*`, the first of which stands for the model in metrics and logs.
    package var servedNames: [String] {
        let names = names.filter { $0 != "*" }
        guard names.isEmpty else { return names }
        return [ModelFolder.modelName(of: folder)]
    }

    /// The model's name in metrics and logs.
    package var label: String { servedNames[0] }

    /// Whether a request may name the model as it likes.
    package var takesAnyName: Bool { names.contains("*") }
}

/// An entry of the file's list `models`: what it leaves out is as for all models.
package struct ModelEntry: Equatable, Sendable {
    package var folder = ""
    package var names: [String] = []
    package var dtype: String?
    package var kernels: String?
    package var truncate: Bool?
    package var promptName: String?

    /// The keys of an entry, and the settings whose values they take.
    private static let settings = [
        "path": "model", "name": "served-model-name", "dtype": "dtype", "kernels": "kernels",
        "truncate": "truncate",
    ]

    private static let keys = ["path", "name", "dtype", "kernels", "truncate", "prompt-name"]

    /// Reads an entry's keys and values.
    ///
    /// - Parameter file: the file's path, for messages.
    /// - Throws: ``ConfigurationError`` for an unknown key, a value that does not fit, or no path.
    init(
        _ fields: [ConfigurationFile.Entry], line: Int, file: String
    ) throws(ConfigurationError) {
        var scratch = ServiceConfiguration()
        for field in fields {
            let place = "\(file):\(field.line): "
            if field.key == "prompt-name" {
                guard let name = field.values.first, field.values.count == 1, !name.isEmpty else {
                    throw ConfigurationError("\(place)'prompt-name' must be one name")
                }
                promptName = name
                continue
            }
            let setting = Self.settings[field.key].flatMap { name in
                Setting.all.first { $0.name == name }
            }
            guard let setting else {
                throw ConfigurationError(
                    "\(place)unknown key '\(field.key)' of a model; there are "
                        + Self.keys.joined(separator: ", "))
            }
            try scratch.set(setting, field.values, called: "\(place)'\(field.key)'")
            switch field.key {
            case "dtype": dtype = scratch.dtype
            case "kernels": kernels = scratch.kernels
            case "truncate": truncate = scratch.truncate
            default: break
            }
        }
        guard let folder = scratch.modelFolders.first, scratch.modelFolders.count == 1 else {
            throw ConfigurationError(
                "\(file):\(line): an entry of 'models' needs 'path', the folder of one model")
        }
        self.folder = folder
        names = scratch.servedModelNames
    }
}

extension ServiceConfiguration {
    /// Every model that is to be served, in the order in which they were given.
    package var models: [ModelSetting] {
        guard modelEntries.isEmpty else {
            return modelEntries.map { entry in
                ModelSetting(
                    folder: entry.folder, names: entry.names, dtype: entry.dtype ?? dtype,
                    kernels: entry.kernels ?? kernels, truncate: entry.truncate ?? truncate,
                    promptName: entry.promptName)
            }
        }
        return modelFolders.indices.map { index in
            // With one model all names are its own, with several each has one.
            let names =
                modelFolders.count == 1
                ? servedModelNames : Array(servedModelNames.dropFirst(index).prefix(1))
            return ModelSetting(
                folder: modelFolders[index], names: names, dtype: dtype, kernels: kernels,
                truncate: truncate)
        }
    }

    /// Whether the models can be told apart.
    func validateModels() throws(ConfigurationError) {
        guard !modelFolders.isEmpty || !modelEntries.isEmpty else {
            throw ConfigurationError(
                "no model: name the folder of a Sentence-Transformers model with --model, "
                    + "QUIVER_MODEL or the key 'model' of the configuration file")
        }
        if !modelEntries.isEmpty && !servedModelNames.isEmpty {
            throw ConfigurationError(
                "served-model-name does not go with the list 'models': give each entry a 'name'")
        }
        if modelFolders.count > 1, ![0, modelFolders.count].contains(servedModelNames.count) {
            throw ConfigurationError(
                "\(modelFolders.count) models and \(servedModelNames.count) served-model-name: give "
                    + "one name for each model, in the same order, or none")
        }
        var owners: [String: String] = [:]
        for model in models {
            for name in model.servedNames + (model.takesAnyName ? ["*"] : []) {
                if let other = owners.updateValue(model.folder, forKey: name) {
                    throw ConfigurationError(
                        "'\(name)' is the name of two models, \(other) and \(model.folder): give "
                            + "each its own with served-model-name, or 'name' in the list 'models'"
                    )
                }
            }
        }
    }
}
