import JSON
import Platform

/// One JSON object of a model folder, read field by field with errors that name the file and field.
///
/// A field that is `null` counts as absent: the reference writes both.
struct ConfigurationFile: Sendable {
    /// The path that errors name.
    let path: String
    /// The keys that lead to this object, with a dot after each; empty at the top.
    private let prefix: String
    private let object: JSONObject

    /// The largest file that is read, in bytes.
    static let sizeMaximum = 4 << 20

    private init(path: String, prefix: String, object: JSONObject) {
        self.path = path
        self.prefix = prefix
        self.object = object
    }

    /// Reads the object in the file at `path`.
    ///
    /// - Throws: `ModelError.unreadable`, `.malformed`.
    init(path: String) throws(ModelError) {
        let value = try Self.value(path: path)
        guard case .object(let object) = value else {
            throw .malformed(
                file: path, field: nil, reason: "an object is expected, not \(value.kind.rawValue)")
        }
        self.init(path: path, prefix: "", object: object)
    }

    /// An object that is an element of another file, called `name` in errors.
    init(path: String, name: String, value: JSONValue) throws(ModelError) {
        guard case .object(let object) = value else {
            throw .malformed(
                file: path, field: name,
                reason: "an object is expected, not \(value.kind.rawValue)")
        }
        self.init(path: path, prefix: name + ".", object: object)
    }

    /// Reads the object in the file at `path`, or nil when there is no such file.
    static func ifPresent(path: String) throws(ModelError) -> ConfigurationFile? {
        Files.exists(path) ? try ConfigurationFile(path: path) : nil
    }

    /// Parses the file at `path`, whatever it holds.
    static func value(path: String) throws(ModelError) -> JSONValue {
        let bytes: [UInt8]
        do {
            bytes = try Files.contents(of: path, limit: sizeMaximum)
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
        do {
            return try JSONValue(parsing: bytes, depthMaximum: 32)
        } catch {
            throw .malformed(file: path, field: nil, reason: "not valid JSON: \(error)")
        }
    }

    /// The keys, in the file's order.
    var keys: [String] { object.members.map(\.key) }

    /// The path of keys to `key`, for an error.
    func name(_ key: String) -> String { prefix + key }

    subscript(key: String) -> JSONValue? {
        let value = object[key]
        return value == .null ? nil : value
    }

    /// The whole number at `key`, or nil when absent.
    ///
    /// - Throws: `ModelError.malformed` when it is not a whole number within `range`.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .number(let number) = value else {
            throw wrongType(key, "a whole number", value)
        }
        guard let integer = number.int, range.contains(integer) else {
            throw .malformed(
                file: path, field: name(key),
                reason: "\(number.text) is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return integer
    }

    /// The whole number at `key`, which must be there.
    func requiredInteger(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        guard let integer = try integer(key, in: range) else { throw missing(key) }
        return integer
    }

    /// The number at `key`, or nil when absent.
    ///
    /// - Throws: `ModelError.malformed` when it is not a number within `range`.
    func number(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.double else { throw wrongType(key, "a number", value) }
        guard range.contains(number) else {
            throw .malformed(
                file: path, field: name(key),
                reason: "\(number) is not from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The boolean at `key`, or nil when absent.
    func flag(_ key: String) throws(ModelError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let flag = value.bool else { throw wrongType(key, "true or false", value) }
        return flag
    }

    /// The string at `key`, or nil when absent.
    func text(_ key: String) throws(ModelError) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else { throw wrongType(key, "a string", value) }
        return text
    }

    /// The string at `key`, which must be there.
    func requiredText(_ key: String) throws(ModelError) -> String {
        guard let text = try text(key) else { throw missing(key) }
        return text
    }

    /// The array of strings at `key`, or nil when absent; a single string counts as an array of one.
    func texts(_ key: String) throws(ModelError) -> [String]? {
        guard let value = self[key] else { return nil }
        if let text = value.string { return [text] }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count else {
            throw wrongType(key, "an array of strings", value)
        }
        return texts
    }

    /// The array of numbers at `key`, or nil when absent; a single number counts as an array of one.
    ///
    /// - Throws: `ModelError.malformed` when one is not within `range`.
    func numbers(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> [Double]? {
        guard let value = self[key] else { return nil }
        if value.double != nil { return try number(key, in: range).map { [$0] } }
        let numbers = value.array?.compactMap(\.double)
        guard let numbers, numbers.count == value.array?.count else {
            throw wrongType(key, "an array of numbers", value)
        }
        guard let outside = numbers.first(where: { !range.contains($0) }) else { return numbers }
        throw .malformed(
            file: path, field: name(key),
            reason: "\(outside) is not from \(range.lowerBound) to \(range.upperBound)")
    }

    /// The object at `key`, or nil when absent.
    func nested(_ key: String) throws(ModelError) -> ConfigurationFile? {
        guard let value = self[key] else { return nil }
        guard case .object(let object) = value else { throw wrongType(key, "an object", value) }
        return ConfigurationFile(path: path, prefix: name(key) + ".", object: object)
    }

    /// The error for a value that is legal and not implemented here.
    func unsupported(_ key: String, _ value: String, supported: [String]) -> ModelError {
        .unsupported(file: path, field: name(key), value: value, supported: supported)
    }

    /// The error for a field that has to be there.
    func missing(_ key: String) -> ModelError {
        .malformed(file: path, field: name(key), reason: "is missing")
    }

    private func wrongType(_ key: String, _ expected: String, _ value: JSONValue) -> ModelError {
        .malformed(
            file: path, field: name(key),
            reason: "\(expected) is expected, not \(value.kind.rawValue)")
    }
}
