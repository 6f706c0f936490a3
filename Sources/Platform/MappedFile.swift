import Glibc

/// A regular file, mapped read-only into memory for as long as the object lives.
///
/// The pages belong to the system's cache: processes that map the same file share them, and they are
/// read when they are first touched.
///
/// A mapping has one hazard: when somebody shortens the file, touching a page behind its new end
/// kills the process with SIGBUS. `checkUnchanged()` finds that out between uses but cannot exclude
/// it. So a file that is in use must be replaced by renaming another over it (as `mv` within a file
/// system, package managers and image layers do), never written in place; a read-only volume cannot
/// be written at all. ``Files/contents(of:limit:)`` reads small files instead, without this hazard.
///
/// Symbolic links are followed: model caches consist of them.
package final class MappedFile: Sendable {
    /// The content; the pointer is valid as long as this object.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    private let descriptor: Int32
    private let opened: Version

    /// What `fstat` says about a file's content without reading it.
    private struct Version: Equatable, Sendable {
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Maps the file at `path`.
    ///
    /// - Throws: ``FileError`` when it is missing, may not be read, or is not a regular file.
    package init(path: String) throws(FileError) {
        let (descriptor, status) = try Files.open(path)
        let version = Version(status)
        var mapped: UnsafeMutableRawPointer?
        // A mapping of no bytes is an error to the system, and an empty buffer to us.
        if version.size > 0 {
            mapped = mmap(nil, version.size, PROT_READ, MAP_PRIVATE, descriptor, 0)
            guard mapped != MAP_FAILED else {
                let error = errno
                close(descriptor)
                throw FileError("mmap", error: error)
            }
        }
        self.bytes = UnsafeRawBufferPointer(start: mapped, count: version.size)
        self.descriptor = descriptor
        self.opened = version
    }

    deinit {
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
        close(descriptor)
    }

    /// Checks that the file still has the size and modification time that it had when it was mapped.
    ///
    /// - Throws: ``FileError`` when somebody wrote to it since.
    package func checkUnchanged() throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("fstat", error: errno) }
        guard Version(status) == opened else {
            throw FileError("the file was changed while it was being read")
        }
    }
}
