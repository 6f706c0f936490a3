import Glibc
import Platform
import Testing

struct FilesTests {
    /// A folder under `/tmp` that is gone afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/quiver-files-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let path = String(cString: made)
        defer {
            for name in (try? Files.names(inFolder: path)) ?? [] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
        try body(path)
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 100_000])
    func readsAndMapsTheSameBytes(count: Int) throws {
        try withFolder { folder in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31) }
            try write(folder + "/file", bytes)
            #expect(try Files.contents(of: folder + "/file", limit: count) == bytes)
            let mapping = try MappedFile(path: folder + "/file")
            #expect(Array(mapping.bytes) == bytes)
            try mapping.checkUnchanged()
        }
    }

    @Test func keepsToTheLimit() throws {
        try withFolder { folder in
            try write(folder + "/file", [1, 2, 3])
            let error = #expect(throws: FileError.self) {
                try Files.contents(of: folder + "/file", limit: 2)
            }
            #expect(error?.description == "has 3 bytes, at most 2 are read")
        }
    }

    /// A FIFO must not make the program wait, and a folder is not a file.
    @Test func opensRegularFilesOnly() throws {
        try withFolder { folder in
            #expect(mkfifo(folder + "/fifo", 0o600) == 0)
            for path in [folder + "/fifo", folder, folder + "/none", "/dev/null"] {
                #expect(throws: FileError.self) { try MappedFile(path: path) }
                #expect(throws: FileError.self) { try Files.contents(of: path, limit: 9) }
            }
        }
    }

    @Test func followsLinksAndSeesChanges() throws {
        try withFolder { folder in
            try write(folder + "/file", [1, 2, 3, 4])
            #expect(symlink("file", folder + "/link") == 0)
            let mapping = try MappedFile(path: folder + "/link")
            #expect(Array(mapping.bytes) == [1, 2, 3, 4])
            // Renaming another file over it leaves the mapping as it was.
            try write(folder + "/new", [9])
            #expect(rename(folder + "/new", folder + "/file") == 0)
            try mapping.checkUnchanged()
            #expect(Array(mapping.bytes) == [1, 2, 3, 4])
            let other = try MappedFile(path: folder + "/file")
            #expect(truncate(folder + "/file", 0) == 0)
            #expect(throws: FileError.self) { try other.checkUnchanged() }
        }
    }

    @Test func namesFolders() throws {
        try withFolder { folder in
            try write(folder + "/b", [])
            try write(folder + "/a", [])
            #expect(try Files.names(inFolder: folder) == ["a", "b"])
            #expect(Files.isFolder(folder) && !Files.isFolder(folder + "/a"))
            #expect(Files.exists(folder + "/a") && !Files.exists(folder + "/c"))
            #expect(folder.hasSuffix("/" + Files.folderName(folder + "//")))
            #expect(throws: FileError.self) { try Files.names(inFolder: folder + "/a") }
        }
        #expect(!Files.folderName(".").isEmpty && Files.folderName(".") != ".")
    }
}
