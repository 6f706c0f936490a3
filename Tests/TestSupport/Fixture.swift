import FoundationEssentials

/// Files under `Tests/Fixtures`, found beside this source file.
package enum Fixture {
    /// The place of a file or folder, for example `json/cases.jsonl`.
    package static func path(_ path: String, from source: String = #filePath) -> String {
        URL(filePath: source).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/" + path).path
    }

    /// The bytes of a file, for example `json/cases.jsonl`.
    package static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: self.path(path))))
    }

    /// Lines of a text file, without the empty ones.
    package static func lines(_ path: String) throws -> [[UInt8]] {
        try bytes(path).split(separator: 0x0A).map(Array.init)
    }
}
