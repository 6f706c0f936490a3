import FoundationEssentials

/// The tiny models under `Tests/Fixtures/models/tiny`, put together from their case and its base.
package enum TinyModel {
    private struct Case: Decodable {
        var base: String?
        var removed: [String]
    }

    /// A text's token ids and the vector that the reference gives for it.
    package struct Golden: Decodable {
        /// Only in the cases whose tokenizer is the family's own.
        package var text: String?
        package var ids: [Int32]
        package var vector: [Float]
    }

    /// The folder of all cases.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/models/tiny")

    package static func caseNames() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
    }

    /// The cases with the texts of their token ids.
    package static func caseNamesWithTexts() throws -> [String] {
        try caseNames().filter { try golden($0).allSatisfy { $0.text != nil } }
    }

    /// Writes the model's files to a new folder.
    package static func folder(_ name: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try lay(name, over: folder)
        return folder
    }

    package static func golden(_ name: String) throws -> [Golden] {
        try Fixture.lines("models/tiny/\(name)/golden.jsonl").map {
            try JSONDecoder().decode(Golden.self, from: Data($0))
        }
    }

    private static func lay(_ name: String, over folder: TemporaryFolder) throws {
        let source = root.appending(path: name)
        let data = try Data(contentsOf: source.appending(path: "case.json"))
        let properties = try JSONDecoder().decode(Case.self, from: data)
        if let base = properties.base { try lay(base, over: folder) }
        for path in try FileManager.default.subpathsOfDirectory(atPath: source.path) {
            var isFolder = false
            let file = source.appending(path: path)
            _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
            if !isFolder { try folder.write(path, Array(try Data(contentsOf: file))) }
        }
        for path in properties.removed { try folder.remove(path) }
    }
}
