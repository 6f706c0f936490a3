import Batching
import Glibc
import HTTPServer
import Platform

/// A new API key and the line that lets it in: what `quiver key` prints.
package struct KeyGenerator {
    /// The key, which is shown once and kept nowhere.
    package let key: String
    /// Its line in the key file, without a newline.
    package let line: String

    /// What the line grants, as the command line has it.
    package struct Grant {
        package var name: String
        package var expires: String?
        package var tokensPerMinute: String?
        package var priority: String?

        package init(name: String) {
            self.name = name
        }
    }

    /// Makes the line of `existingKey`, or of a new key.
    ///
    /// - Throws: ``StartError`` that names the option which cannot be used.
    package init(_ grant: Grant, existingKey: String? = nil) throws(StartError) {
        let key = existingKey ?? Self.makeKey()
        guard (16...Credential.bytesMaximum).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw StartError(
                "a key must have 16 to \(Credential.bytesMaximum) visible ASCII characters, without "
                    + "spaces")
        }
        guard let digest = KeyDigest(of: key.utf8) else { throw StartError("out of memory") }
        var granted = APIKey(name: grant.name, digest: digest)
        guard APIKey.isName(grant.name), KeyDigest(hexadecimal: grant.name) == nil else {
            throw StartError(
                "the name must be 1 to 64 letters, digits, '.', '-', '_' or '@', and begin with a "
                    + "letter or digit")
        }
        if let text = grant.expires {
            guard let seconds = CalendarTime.seconds(of: text) else {
                throw StartError(
                    "--expires must be a date such as 2027-01-31 or a time such as "
                        + "2027-01-31T12:00:00Z, in UTC")
            }
            granted.expiresAtSeconds = seconds
        }
        if let text = grant.tokensPerMinute {
            guard let quota = KeyRing.tokensPerMinute(text) else {
                throw StartError("--tokens-per-minute must be from 1 to 1000000000")
            }
            granted.tokensPerMinute = quota
        }
        switch grant.priority {
        case nil, "interactive": break
        case "bulk": granted.priority = .bulk
        default: throw StartError("--priority must be interactive or bulk")
        }
        self.key = key
        line = granted.line
    }

    /// Adds the line to a key file, which is made (for its owner alone) when there is none.
    ///
    /// - Throws: ``StartError`` when the file would not be good with the line in it.
    package func append(to path: String) throws(StartError) {
        var text: [UInt8] = []
        if Files.exists(path) {
            do {
                text = try Files.contents(of: path, limit: 4 << 20)
            } catch {
                throw StartError("the key file \(path): \(error)")
            }
        }
        var addition = Array((line + "\n").utf8)
        if let last = text.last, last != 0x0A { addition.insert(0x0A, at: 0) }
        do {
            _ = try KeyRing(parsing: text + addition)
        } catch {
            throw StartError("the key file \(path): \(error.description)")
        }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartError("the key file \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // One write, so that a running service never reads half a line.
        guard StandardStream.write(addition, to: descriptor) else {
            throw StartError("the key file \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// `sk-` and 256 random bits in base64url (RFC 4648 §5), 46 characters.
    private static func makeKey() -> String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var generator = SystemRandomNumberGenerator()
        var characters = Array("sk-".utf8)
        // 43 characters of 6 bits are 258: the last two bits are random as well.
        for _ in 0..<43 {
            characters.append(alphabet[Int(generator.next() as UInt8) & 63])
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
