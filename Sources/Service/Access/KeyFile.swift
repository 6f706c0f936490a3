import Platform

/// The key file of a running service: its last good state, and how to come by a newer one.
package final class KeyFile: Sendable {
    package let path: String

    private struct State: Sendable {
        var ring: KeyRing
        /// Of the file when it was last looked at, good or not; nil when there was none.
        var stamp: FileStamp?
    }

    private let state: Locked<State>

    /// Reads the file.
    ///
    /// - Throws: ``StartError`` that names the file and the line.
    package init(path: String) throws(StartError) {
        self.path = path
        let stamp = FileStamp(path)
        do throws(KeyRing.Problem) {
            state = Locked(State(ring: try Self.read(path), stamp: stamp))
        } catch {
            guard Self.mayBeNamed(path) else {
                throw StartError(
                    "api-key-file must be the path of a file, not a key; keys are not settings")
            }
            throw StartError("the key file \(path): \(error)")
        }
    }

    /// Whether a path that leads nowhere can be repeated: it could be a key, put there by mistake.
    private static func mayBeNamed(_ path: String) -> Bool {
        path.contains("/") || path.contains(".") || path.utf8.count < 20 || Files.exists(path)
    }

    /// The keys that count now.
    package var ring: KeyRing { state.withLock { $0.ring } }

    /// Whether the file is not what was last looked at.
    package var hasChanged: Bool {
        FileStamp(path) != state.withLock { $0.stamp }
    }

    /// Reads the file again; when that fails the keys stay as they were.
    package func reload() throws(KeyRing.Problem) -> KeyRing {
        // Taken before the content, so that a change in between is seen the next time.
        let stamp = FileStamp(path)
        state.withLock { $0.stamp = stamp }
        let ring = try Self.read(path)
        state.withLock { $0.ring = ring }
        return ring
    }

    private static func read(_ path: String) throws(KeyRing.Problem) -> KeyRing {
        let text: [UInt8]
        do {
            text = try Files.contents(of: path, limit: bytesMaximum)
        } catch {
            throw KeyRing.Problem(description: "\(error)")
        }
        return try KeyRing(parsing: text)
    }

    private static let bytesMaximum = 4 << 20
}
