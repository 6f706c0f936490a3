import Glibc

/// Why a file could not be opened or mapped; `description` fits after `<path>: `.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    init(_ call: String, error: Int32) {
        self.description = "\(String(cString: strerror(error))) (\(call), errno \(error))"
    }
}

/// What the program asks of the file system; symbolic links are followed.
package enum Files {
    /// Reads a whole file into memory.
    ///
    /// - Throws: ``FileError``, also when the file has more than `limit` bytes.
    package static func contents(of path: String, limit: Int) throws(FileError) -> [UInt8] {
        let (descriptor, status) = try open(path)
        defer { close(descriptor) }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw FileError("has \(size) bytes, at most \(limit) are read")
        }
        var contents = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = contents.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: filled), size - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", error: errno) }
            guard count > 0 else { break }
            filled += count
        }
        contents.removeLast(size - filled)
        return contents
    }

    /// Whether a file or folder of that name exists.
    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Whether the path leads to a folder.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, sorted, without `.` and `..`.
    ///
    /// - Throws: ``FileError`` when it is not a folder or may not be read.
    package static func names(inFolder path: String) throws(FileError) -> [String] {
        guard let folder = opendir(path) else { throw FileError("opendir", error: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The last component of the folder's absolute path, links resolved only for `.` and `..`.
    package static func folderName(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init)
        if let name, name != ".", name != ".." { return name }
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").last.map(String.init) ?? "/"
    }

    /// Opens a regular file; not blocking, for a FIFO would otherwise wait for a writer.
    static func open(_ path: String) throws(FileError) -> (Int32, stat) {
        var descriptor: Int32
        repeat {
            descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw FileError("open", error: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = errno
            close(descriptor)
            throw FileError("fstat", error: error)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileError("not a regular file")
        }
        return (descriptor, status)
    }
}
