import JSON

/// A value of a configuration file together with its path, for errors that name it.
struct Field {
    let file: String
    let path: String
    let value: JSONValue

    init(_ path: String, _ value: JSONValue, file: String = "tokenizer.json") {
        self.file = file
        self.path = path
        self.value = value
    }

    func error(_ reason: String) -> TokenizerFileError {
        TokenizerFileError(file: file, field: path, reason: reason)
    }

    /// The member, or nil when it is missing or null.
    func member(_ name: String) throws(TokenizerFileError) -> Field? {
        guard let object = value.object else { throw error("must be an object") }
        guard let member = object[name], member != .null else { return nil }
        return Field(path.isEmpty ? name : "\(path).\(name)", member, file: file)
    }

    /// The member, which must be there.
    func required(_ name: String) throws(TokenizerFileError) -> Field {
        guard let member = try member(name) else {
            throw Field("\(path).\(name)", .null, file: file).error("is missing")
        }
        return member
    }

    /// The elements of an array.
    func elements() throws(TokenizerFileError) -> [Field] {
        guard let array = value.array else { throw error("must be an array") }
        return array.enumerated().map { Field("\(path)[\($0.offset)]", $0.element, file: file) }
    }

    /// The members of an object, in the file's order.
    func members() throws(TokenizerFileError) -> [(key: String, field: Field)] {
        guard let object = value.object else { throw error("must be an object") }
        return object.members.map { ($0.key, Field("\(path).\($0.key)", $0.value, file: file)) }
    }

    func string() throws(TokenizerFileError) -> String {
        guard let string = value.string else { throw error("must be a string") }
        return string
    }

    func string(_ name: String) throws(TokenizerFileError) -> String {
        try required(name).string()
    }

    func string(_ name: String, default value: String) throws(TokenizerFileError) -> String {
        try member(name)?.string() ?? value
    }

    func bool() throws(TokenizerFileError) -> Bool {
        guard let bool = value.bool else { throw error("must be true or false") }
        return bool
    }

    func bool(_ name: String, default value: Bool) throws(TokenizerFileError) -> Bool {
        try member(name)?.bool() ?? value
    }

    func int() throws(TokenizerFileError) -> Int {
        guard let int = value.int else { throw error("must be a whole number") }
        return int
    }

    /// A token id.
    func id() throws(TokenizerFileError) -> Int32 {
        let id = try int()
        guard (0..<TokenizerFile.idLimit).contains(id) else {
            throw error("must be a token id below \(TokenizerFile.idLimit)")
        }
        return Int32(id)
    }

    func id(_ name: String) throws(TokenizerFileError) -> Int32 {
        try required(name).id()
    }

    /// The segment of a template's piece.
    func typeID(_ name: String) throws(TokenizerFileError) -> Int32 {
        try member(name)?.id() ?? 0
    }

    /// The error for a `type` that is not among the supported.
    func unsupported(_ type: String, supported: [String]) -> TokenizerFileError {
        TokenizerFileError(
            file: file, field: "\(path).type",
            reason: "'\(type)' is not supported; supported: \(supported.joined(separator: ", "))")
    }
}
