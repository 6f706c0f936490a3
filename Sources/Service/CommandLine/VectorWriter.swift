import Glibc
import JSON

/// Writes vectors to standard output as a NumPy file or as JSON lines.
package struct VectorWriter {
    package enum Format: Sendable {
        case npy, jsonl
    }

    /// Vectors written so far.
    package private(set) var count = 0

    private let format: Format
    private let width: Int
    /// For npy: the header comes first and holds the number of rows, so the rows wait for it.
    private var waiting: [UInt8] = []

    package init(format: Format, width: Int) {
        self.format = format
        self.width = width
    }

    /// Takes the next vectors.
    package mutating func write(_ vectors: [[Float]]) throws {
        switch format {
        case .npy:
            for vector in vectors {
                for value in vector {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) {
                        waiting.append(contentsOf: $0)
                    }
                }
            }
        case .jsonl:
            var json = JSONWriter(capacity: vectors.count * (width * 13 + 64))
            for (index, vector) in vectors.enumerated() {
                json.raw(#"{"index":"#)
                json.number(count + index)
                json.raw(#","embedding":"#)
                json.vector(vector[...])
                json.raw("}\n")
            }
            try Self.emit(json.bytes)
        }
        count += vectors.count
    }

    /// Writes what waits.
    package mutating func end() throws {
        guard format == .npy else { return }
        try Self.emit(Self.header(rows: count, columns: width))
        try Self.emit(waiting)
        waiting = []
    }

    /// The header of the NumPy format, version 1.0: padded with spaces to a multiple of 64 bytes.
    ///
    /// Source: numpy/lib/format.py.
    package static func header(rows: Int, columns: Int) -> [UInt8] {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        let prefix: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let unpadded = prefix.count + 2 + text.utf8.count + 1
        let padding = (64 - unpadded % 64) % 64
        let length = text.utf8.count + padding + 1
        return prefix + [UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
            + [UInt8](repeating: 0x20, count: padding) + [0x0A]
    }

    private static func emit(_ bytes: [UInt8]) throws {
        guard StandardStream.write(bytes, to: STDOUT_FILENO) else {
            throw StartError(
                "standard output cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
