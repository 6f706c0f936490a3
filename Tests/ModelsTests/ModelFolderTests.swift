import Models
import TestSupport
import Testing

/// What is said of a path that leads to no model.
struct ModelFolderTests {
    @Test func namesTheFolderThatIsMissing() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "")
        let missing = #expect(throws: ModelError.self) {
            try ModelDescription(folder: folder.path + "/none")
        }
        #expect(missing?.description == "\(folder.path)/none: there is no such folder")
        let file = #expect(throws: ModelError.self) {
            try ModelDescription(folder: folder.path + "/file")
        }
        #expect(file?.description.contains("is a file") == true)
    }

    @Test(arguments: [
        (
            "someone/model",
            ": there is no such folder, and models are not downloaded; name the folder of one"
        ),
        ("~/models/none", ": there is no such folder; only a shell knows what '~' is"),
        ("no/such/folder", ": there is no such folder"), ("./none", ": there is no such folder"),
    ])
    func saysWhereNoModelIs(path: String, reason: String) {
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: path) }
        #expect(error?.description == path + reason)
    }

    @Test func namesAFolderWithoutAModel() throws {
        let folder = try TemporaryFolder()
        try folder.write("readme.txt", "")
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: folder.path) }
        #expect(error?.description.hasPrefix("\(folder.path): holds no config.json, so") == true)
    }
}
