/// Header or trailer fields in their order (RFC 9110 §5): names compare without case, values are bytes.
///
/// All bytes lie in one array and the lines are ranges of it, so a head costs two allocations
/// however many fields it has.
package struct HTTPFields: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        package var nameStart: Int32
        package var nameEnd: Int32
        package var valueStart: Int32
        package var valueEnd: Int32

        package init(nameStart: Int32, nameEnd: Int32, valueStart: Int32, valueEnd: Int32) {
            self.nameStart = nameStart
            self.nameEnd = nameEnd
            self.valueStart = valueStart
            self.valueEnd = valueEnd
        }
    }

    package private(set) var storage: [UInt8]
    package private(set) var lines: [Line]

    package init() {
        storage = []
        lines = []
    }

    /// Fields that a parser has already split: the ranges of `lines` lie in `storage`.
    package init(storage: [UInt8], lines: [Line]) {
        self.storage = storage
        self.lines = lines
    }

    /// No fields yet, with room for as many as a response usually has.
    package init(reservingBytes bytes: Int, lines count: Int) {
        self.init()
        storage.reserveCapacity(bytes)
        lines.reserveCapacity(count)
    }

    /// The number of field lines.
    package var count: Int { lines.count }

    /// The name of the line at `index`, as it was spelled.
    package func name(at index: Int) -> ArraySlice<UInt8> {
        storage[Int(lines[index].nameStart)..<Int(lines[index].nameEnd)]
    }

    /// The value of the line at `index`, without the white space around it.
    package func value(at index: Int) -> ArraySlice<UInt8> {
        storage[Int(lines[index].valueStart)..<Int(lines[index].valueEnd)]
    }

    /// The value of the first line named `name`, as text; bytes that are no UTF-8 become U+FFFD.
    package subscript(name: String) -> String? {
        guard let index = firstIndex(of: name) else { return nil }
        return String(decoding: value(at: index), as: UTF8.self)
    }

    /// The value of the first line named `name`, as bytes.
    package func bytes(of name: String) -> ArraySlice<UInt8>? {
        firstIndex(of: name).map(value(at:))
    }

    /// The values of all lines named `name`, in order.
    package func values(of name: String) -> [ArraySlice<UInt8>] {
        lines.indices.filter { isNamed(name, at: $0) }.map(value(at:))
    }

    package func contains(_ name: String) -> Bool { firstIndex(of: name) != nil }

    package func firstIndex(of name: String) -> Int? {
        for index in lines.indices where isNamed(name, at: index) { return index }
        return nil
    }

    /// Whether the line at `index` is named `name`, in any case of letters.
    package func isNamed(_ name: String, at index: Int) -> Bool {
        let line = lines[index]
        let expected = name.utf8
        guard Int(line.nameEnd - line.nameStart) == expected.count else { return false }
        var position = Int(line.nameStart)
        for byte in expected {
            guard ASCII.lowercased(storage[position]) == ASCII.lowercased(byte) else {
                return false
            }
            position += 1
        }
        return true
    }

    /// Adds a line at the end.
    ///
    /// Bytes that could end the line or smuggle another in (CR, LF, NUL, other controls) are replaced
    /// by spaces, whatever the caller's data (RFC 9110 §5.5, RFC 9112 §11.1).
    ///
    /// - Precondition: `name` is a token.
    package mutating func append(_ name: String, _ value: String) {
        let nameStart = Int32(storage.count)
        storage.append(contentsOf: name.utf8)
        let valueStart = Int32(storage.count)
        storage.append(contentsOf: value.utf8)
        precondition(valueStart > nameStart, "field name")
        for index in Int(nameStart)..<Int(valueStart) {
            precondition(ASCII.isTokenCharacter(storage[index]), "field name")
        }
        for index in Int(valueStart)..<storage.count
        where !ASCII.isFieldValueByte(storage[index]) {
            storage[index] = ASCII.space
        }
        lines.append(
            Line(
                nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart,
                valueEnd: Int32(storage.count)))
    }

    /// Replaces every line named `name` by one, or adds it.
    package mutating func set(_ name: String, _ value: String) {
        lines.removeAll { line in
            HTTPFields(storage: storage, lines: [line]).isNamed(name, at: 0)
        }
        append(name, value)
    }

    /// Whether the two hold the same lines in the same order, names without case.
    package static func == (left: HTTPFields, right: HTTPFields) -> Bool {
        left.count == right.count
            && left.lines.indices.allSatisfy { index in
                left.value(at: index) == right.value(at: index)
                    && left.name(at: index).elementsEqual(
                        right.name(at: index),
                        by: { ASCII.lowercased($0) == ASCII.lowercased($1) })
            }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
