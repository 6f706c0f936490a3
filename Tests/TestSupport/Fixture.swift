import FoundationEssentials

/// Files under `Tests/Fixtures`, found beside this source file.
package enum Fixture {
    /// The bytes of a file, for example `json/cases.jsonl`.
    package static func bytes(_ path: String, from source: String = #filePath) throws -> [UInt8] {
        let folder = URL(filePath: source).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "Fixtures/" + path)))
    }

    /// Lines of a text file, without the empty ones.
    package static func lines(_ path: String) throws -> [[UInt8]] {
        try bytes(path).split(separator: 0x0A).map(Array.init)
    }
}
