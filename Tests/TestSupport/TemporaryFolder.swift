import FoundationEssentials
import Glibc
import Testing

/// A folder that exists as long as the value is in use, with files written by a test.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        path = "/tmp/quiver-models-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file; the folders on its way are made.
    package func write(_ name: String, _ bytes: [UInt8]) throws {
        let url = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    package func write(_ name: String, _ text: String) throws {
        try write(name, Array(text.utf8))
    }

    /// The contents of a file.
    package func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path).appending(path: name)))
    }

    package func contains(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + name)
    }

    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// Replaces the first place where a file has `from`, which must occur.
    package func replace(_ from: String, _ to: String, in name: String) throws {
        let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
        let range = try #require(text.firstRange(of: from), "\(from) is not in \(name)")
        try write(name, text.replacingCharacters(in: range, with: to))
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}

extension TemporaryFolder {
    /// Overwrites the last bytes of a file.
    package func fill(_ name: String, last count: Int, with byte: UInt8) throws {
        var bytes = Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
        for index in bytes.indices.suffix(count) { bytes[index] = byte }
        try write(name, bytes)
    }
}
