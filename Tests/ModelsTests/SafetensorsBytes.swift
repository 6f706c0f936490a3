import Models

/// Builds safetensors files for tests.
enum SafetensorsBytes {
    /// A file with the given header text and data.
    static func file(header: String, data: [UInt8] = []) -> [UInt8] {
        let json = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: UInt64(json.count) >> (8 * $0)) }
        return length + json + data
    }

    /// The tensors of a file under names with `prefix` before them.
    static func renamed(_ file: SafetensorsFile, prefix: String) throws -> [UInt8] {
        var rows: [String] = []
        var data: [UInt8] = []
        for name in file.names {
            let tensor = try file.tensor(named: name)
            rows.append(
                "\"\(prefix)\(name)\":{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":\(tensor.shape),"
                    + "\"data_offsets\":[\(data.count),\(data.count + tensor.bytes.count)]}")
            data += tensor.bytes
        }
        return Self.file(header: "{" + rows.joined(separator: ",") + "}", data: data)
    }

    /// A file of zero tensors with these names and shapes, one behind the other.
    static func zeros(_ tensors: [(name: String, shape: [Int])], type: String = "F32") -> [UInt8] {
        let size = type == "F32" ? 4 : 2
        var rows: [String] = []
        var end = 0
        for tensor in tensors {
            let start = end
            end += tensor.shape.reduce(size, *)
            rows.append(
                "\"\(tensor.name)\":{\"dtype\":\"\(type)\",\"shape\":\(tensor.shape),"
                    + "\"data_offsets\":[\(start),\(end)]}")
        }
        return file(
            header: "{" + rows.joined(separator: ",") + "}",
            data: [UInt8](repeating: 0, count: end))
    }
}
