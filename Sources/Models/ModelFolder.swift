import Platform

/// A folder as Sentence-Transformers and Hugging Face write it: where each file of a model lies.
package struct ModelFolder: Sendable {
    /// The path as it was given, without a slash at its end; the revision's for an entry of the Hugging Face
    /// cache.
    package let path: String

    /// - Throws: `ModelError.unreadable` when there is no folder of a model at `path`.
    package init(path: String) throws(ModelError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard Files.exists(path) else {
            throw .unreadable(file: path, reason: Self.absence(of: path))
        }
        guard Files.isFolder(path) else {
            throw .unreadable(file: path, reason: "is a file; the folder of the model is expected")
        }
        if let entry = HubCacheEntry(path: path) { path = try entry.snapshot() }
        guard Self.marks.contains(where: { Files.exists(path + "/" + $0) }) else {
            throw .unreadable(
                file: path,
                reason:
                    "holds no config.json, so it is not the folder of a Sentence-Transformers or "
                    + "Hugging Face model")
        }
        self.path = path
    }

    /// One of these files is in every model's folder.
    private static let marks = ["modules.json", "config.json"]

    /// What to say of a path that leads nowhere.
    private static func absence(of path: String) -> String {
        let nothing = "there is no such folder"
        if path.hasPrefix("~") { return nothing + "; only a shell knows what '~' is" }
        // As the hub names models.
        let isName =
            !path.hasPrefix("/") && !path.hasPrefix(".") && path.split(separator: "/").count == 2
        return isName
            ? nothing + ", and models are not downloaded; name the folder of one" : nothing
    }

    /// The model's name unless it is served under another.
    package var name: String { Self.modelName(of: path) }

    /// The name of the folder at `path`, or of the model that the Hugging Face cache has there.
    package static func modelName(of path: String) -> String {
        HubCacheEntry.modelName(of: path) ?? Files.folderName(path)
    }

    /// The path of a file in the folder of a module; `module` is empty for the folder itself.
    package func file(_ name: String, in module: String = "") -> String {
        module.isEmpty ? "\(path)/\(name)" : "\(path)/\(module)/\(name)"
    }

    /// The names of the entries at the top of the folder, sorted.
    ///
    /// - Throws: `ModelError.unreadable`.
    package func entries() throws(ModelError) -> [String] {
        do {
            return try Files.names(inFolder: path)
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
    }

    /// A relative path without the dots and slashes that change nothing: `./1_Pooling/`, or `.` for the
    /// folder itself, as model2vec writes it.
    static func tidy(_ relative: String) -> String {
        var components = relative.split(separator: "/", omittingEmptySubsequences: false)
        if components.count > 1, components.last == "" { components.removeLast() }
        if components.first == "." { components.removeFirst() }
        return components.joined(separator: "/")
    }

    /// Whether `relative` is a path that stays inside the folder, or empty.
    static func isInside(_ relative: String) -> Bool {
        let components = relative.split(separator: "/", omittingEmptySubsequences: false)
        return relative.isEmpty
            || components.allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0)
            }
    }
}
