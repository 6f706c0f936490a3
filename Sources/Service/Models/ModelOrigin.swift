import Platform

/// Where a loaded model came from: when this is equal, loading again would give the same.
struct ModelOrigin: Hashable, Sendable {
    private let folder: String
    private let dtype: String
    private let kernels: String
    private let promptName: String?
    /// The folder's files and those of its folders, by path.
    private let files: [String: FileStamp]

    /// Looks at the folder as it is now; no file is read.
    init(_ setting: ModelSetting) {
        (folder, dtype, kernels) = (setting.folder, setting.dtype, setting.kernels)
        promptName = setting.promptName
        var files: [String: FileStamp] = [:]
        for name in Self.names(in: setting.folder) {
            let path = setting.folder + "/" + name
            if Files.isFolder(path) {
                for inner in Self.names(in: path) {
                    files[name + "/" + inner] = FileStamp(path + "/" + inner)
                }
            } else {
                files[name] = FileStamp(path)
            }
        }
        self.files = files
    }

    private static func names(in folder: String) -> [String] {
        ((try? Files.names(inFolder: folder)) ?? []).filter { !$0.hasPrefix(".") }
    }
}
