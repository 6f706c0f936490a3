import JSON

/// The table of contents of a safetensors file: where each tensor lies.
///
/// The format is huggingface/safetensors, README, "Format": eight bytes little-endian length N, N
/// bytes of JSON, then the tensors' bytes. Beyond the reference reader this one also holds to the
/// README where it says that keys are unique and that the header begins with `{`.
struct SafetensorsHeader: Sendable {
    /// One tensor's row in the table.
    struct Entry: Equatable, Sendable {
        var name: String
        var dtype: ElementType
        var shape: [Int]
        /// The bytes, counted from the end of the header.
        var range: Range<Int>
    }

    /// The longest header that the reference reader takes, in bytes.
    static let lengthMaximum = 100_000_000

    /// In the order of their bytes: contiguous, from the header's end to the file's.
    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]
    /// Where the tensors' bytes start in the file.
    let dataStart: Int

    /// Reads the table of a file whose whole content is `file`.
    ///
    /// Takes time and memory in proportion to the header's true length, whatever it claims.
    ///
    /// - Throws: ``SafetensorsProblem``.
    init(of file: UnsafeRawBufferPointer) throws(SafetensorsProblem) {
        guard file.count >= 8 else {
            throw SafetensorsProblem("\(file.count) bytes are too few for a safetensors file")
        }
        let claimed = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard let length = Int(exactly: claimed), length <= Self.lengthMaximum else {
            throw SafetensorsProblem(
                "a header of \(claimed) bytes is longer than \(Self.lengthMaximum)")
        }
        guard length <= file.count - 8 else {
            throw SafetensorsProblem(
                "the header should have \(length) bytes, the file ends after \(file.count - 8)")
        }
        dataStart = 8 + length
        let json = [UInt8](UnsafeRawBufferPointer(rebasing: file[8..<dataStart]))
        guard json.first == UInt8(ascii: "{") else {
            throw SafetensorsProblem("the header does not begin with '{'")
        }
        do {
            try parse(json)
        } catch let error as JSONError {
            throw SafetensorsProblem("the header is not valid: \(error)")
        } catch let problem as SafetensorsProblem {
            throw problem
        } catch {
            throw SafetensorsProblem("\(error)")
        }
        try checkLayout(dataCount: file.count - dataStart)
    }

    private mutating func parse(_ json: [UInt8]) throws {
        var reader = JSONReader(json, depthMaximum: 32)
        var names: Set<[UInt8]> = []
        try reader.beginObject()
        while let name = try reader.nextKey() {
            guard names.insert(Array(name.utf8)).inserted else {
                throw SafetensorsProblem("the key is there twice", tensor: name)
            }
            if name == "__metadata__" {
                try parseMetadata(&reader)
            } else {
                entries.append(try Self.entry(name, &reader))
            }
        }
        try reader.end()
    }

    private mutating func parseMetadata(_ reader: inout JSONReader) throws {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            guard metadata.updateValue(try reader.readString(), forKey: key) == nil else {
                throw SafetensorsProblem("the key \(key) is there twice", tensor: "__metadata__")
            }
        }
    }

    private static func entry(_ name: String, _ reader: inout JSONReader) throws -> Entry {
        var dtype: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        func isFirst(_ value: Any?, _ key: String) throws {
            guard value == nil else {
                throw SafetensorsProblem("\(key) is there twice", tensor: name)
            }
        }
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "dtype":
                try isFirst(dtype, key)
                dtype = try elementType(of: name, &reader)
            case "shape":
                try isFirst(shape, key)
                shape = try lengths(of: name, key, &reader)
            case "data_offsets":
                try isFirst(offsets, key)
                offsets = try lengths(of: name, key, &reader)
            default: try reader.skipValue()
            }
        }
        guard let dtype, let shape, let offsets else {
            throw SafetensorsProblem("dtype, shape or data_offsets is missing", tensor: name)
        }
        return try Entry(name: name, dtype: dtype, shape: shape, offsets: offsets)
    }

    private static func elementType(
        of name: String, _ reader: inout JSONReader
    ) throws -> ElementType {
        let text = try reader.readString()
        guard let type = ElementType(rawValue: text) else {
            throw SafetensorsProblem("dtype \(text) is unknown", tensor: name)
        }
        return type
    }

    /// An array of whole numbers that are not negative.
    private static func lengths(
        of name: String, _ key: String, _ reader: inout JSONReader
    ) throws -> [Int] {
        var lengths: [Int] = []
        try reader.beginArray()
        while try reader.nextElement() {
            let number = try reader.readNumber()
            guard let length = number.int, length >= 0 else {
                throw SafetensorsProblem("\(key): \(number.text) is out of range", tensor: name)
            }
            lengths.append(length)
        }
        return lengths
    }

    /// Checks that the tensors cover the data exactly: no hole, no overlap, nothing behind the last.
    ///
    /// So no byte is counted twice, and no other file can hide behind the tensors.
    private mutating func checkLayout(dataCount: Int) throws(SafetensorsProblem) {
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw SafetensorsProblem(
                    "data_offsets start at \(entry.range.lowerBound), the tensor before ends at \(end)",
                    tensor: entry.name)
            }
            end = entry.range.upperBound
        }
        guard end == dataCount else {
            throw SafetensorsProblem(
                "the tensors take \(end) bytes, the file has \(dataCount) for them")
        }
    }
}

extension SafetensorsHeader.Entry {
    /// An entry whose offsets have been checked against the product of its shape.
    fileprivate init(
        name: String, dtype: ElementType, shape: [Int], offsets: [Int]
    ) throws(SafetensorsProblem) {
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw SafetensorsProblem("data_offsets \(offsets) are not [begin, end]", tensor: name)
        }
        var bits = dtype.bits
        for length in shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: length)
            guard !overflow else {
                throw SafetensorsProblem("shape \(shape) is too large", tensor: name)
            }
            bits = product
        }
        guard bits % 8 == 0, bits / 8 == offsets[1] - offsets[0] else {
            throw SafetensorsProblem(
                "shape \(shape) of \(dtype.rawValue) needs \(bits / 8) bytes, data_offsets have "
                    + "\(offsets[1] - offsets[0])", tensor: name)
        }
        self.init(name: name, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
    }
}

/// What is wrong with a safetensors file.
struct SafetensorsProblem: Error, Equatable {
    let reason: String
    /// The key in the header that it is about, cut to a length that fits a line.
    let tensor: String?

    init(_ reason: String, tensor: String? = nil) {
        self.reason = reason
        self.tensor = tensor.map { String($0.unicodeScalars.prefix(100)) }
    }
}
