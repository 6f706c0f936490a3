import Glibc
import Platform

/// The process's environment.
package enum Environment {
    /// Variables by name.
    package static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }
}

extension ConfigurationFile {
    /// Reads and parses the file at `path`.
    package init(at path: String) throws(ConfigurationError) {
        let text: [UInt8]
        do {
            text = try Files.contents(of: path, limit: 1 << 20)
        } catch {
            throw ConfigurationError("\(path): the configuration file cannot be read: \(error)")
        }
        try self.init(path: path, text: text)
    }
}
