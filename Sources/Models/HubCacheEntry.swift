import Platform

/// A model in the cache of huggingface_hub: a folder `models--ORG--NAME` that holds one folder for each
/// revision in `snapshots`, and says in `refs/main` which one is current.
///
/// Source: huggingface_hub's documentation, "Understand caching".
struct HubCacheEntry {
    private let path: String
    private static let prefix = "models--"

    /// The entry at `path`; nil when there is none.
    init?(path: String) {
        guard Files.folderName(path).hasPrefix(Self.prefix), Files.isFolder(path + "/snapshots")
        else { return nil }
        self.path = path
    }

    /// The folder of the current revision, or of the only one.
    ///
    /// - Throws: `ModelError.unreadable` that names those that there are.
    func snapshot() throws(ModelError) -> String {
        let folder = path + "/snapshots"
        let revisions = ((try? Files.names(inFolder: folder)) ?? []).filter { !$0.hasPrefix(".") }
        if let bytes = try? Files.contents(of: path + "/refs/main", limit: 256) {
            let current = String(decoding: bytes, as: UTF8.self)
                .split(whereSeparator: \.isWhitespace).first.map(String.init)
            if let current, revisions.contains(current) { return folder + "/" + current }
        }
        guard revisions.count == 1 else {
            throw .unreadable(
                file: folder,
                reason: revisions.isEmpty
                    ? "holds no revision of the model; download it again"
                    : "holds several revisions; name the folder of one: "
                        + revisions.joined(separator: ", "))
        }
        return folder + "/" + revisions[0]
    }

    /// The name of the model whose entry, or one of whose revisions, lies at `path`; nil for others.
    static func modelName(of path: String) -> String? {
        var components = path.split(separator: "/")
        if components.dropLast().last == "snapshots" { components.removeLast(2) }
        guard let entry = components.last, entry.hasPrefix(prefix) else { return nil }
        // A name holds no "--" of its own: the hub forbids it.
        return entry.dropFirst(prefix.count).split(separator: "--").last.map(String.init)
    }
}
