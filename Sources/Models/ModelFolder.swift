import Platform

/// A folder as Sentence-Transformers and Hugging Face write it: where each file of a model lies.
package struct ModelFolder: Sendable {
    /// The path as it was given, without a slash at its end.
    package let path: String

    /// - Throws: `ModelError.unreadable` when there is no folder at `path`.
    package init(path: String) throws(ModelError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard Files.exists(path) else {
            throw .unreadable(file: path, reason: "there is no such folder")
        }
        guard Files.isFolder(path) else {
            throw .unreadable(file: path, reason: "is a file; the folder of the model is expected")
        }
        self.path = path
    }

    /// The folder's own name, which is the model's name unless it is served under another.
    package var name: String { Files.folderName(path) }

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
