import Platform

/// A safetensors file, mapped: its tensors by name, without a copy.
package final class SafetensorsFile: TensorSource {
    /// The path that the file was opened by.
    package let origin: String
    /// The header's `__metadata__`; `format` is `pt` in files that PyTorch wrote.
    package let metadata: [String: String]
    private let header: SafetensorsHeader
    private let positions: [TensorName: Int]
    private let mapping: MappedFile

    /// Maps the file and checks its whole table of contents against the file's size.
    ///
    /// - Throws: `ModelError.unreadable`, `.malformed`.
    package init(path: String) throws(ModelError) {
        do {
            mapping = try MappedFile(path: path)
            header = try SafetensorsHeader(of: mapping.bytes)
            // The size that the table was held against must still be the file's.
            try mapping.checkUnchanged()
        } catch let problem as SafetensorsProblem {
            throw .malformed(
                file: path, field: problem.tensor.map { "tensor \($0)" }, reason: problem.reason)
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
        origin = path
        metadata = header.metadata
        positions = Dictionary(
            uniqueKeysWithValues: header.entries.enumerated().map { (TensorName($1.name), $0) })
    }

    /// The names of all tensors, in the order of their bytes.
    package var names: [String] { header.entries.map(\.name) }

    /// The bytes that the tensors take.
    package var dataBytes: Int { mapping.bytes.count - header.dataStart }

    package func contains(_ name: String) -> Bool {
        positions[TensorName(name)] != nil
    }

    package func tensor(named name: String) throws(ModelError) -> TensorView {
        guard let position = positions[TensorName(name)] else {
            throw .missingTensor(file: origin, name: name)
        }
        return view(of: header.entries[position])
    }

    /// Checks that nobody wrote to the file since it was mapped; to be called when all was read.
    ///
    /// - Throws: `ModelError.unreadable`.
    package func checkUnchanged() throws(ModelError) {
        do {
            try mapping.checkUnchanged()
        } catch {
            throw .unreadable(file: origin, reason: "\(error)")
        }
    }

    private func view(of entry: SafetensorsHeader.Entry) -> TensorView {
        let range =
            header.dataStart + entry.range.lowerBound..<header.dataStart + entry.range.upperBound
        return TensorView(
            name: entry.name, dtype: entry.dtype, shape: entry.shape,
            bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[range]), owner: mapping)
    }
}

/// A tensor's name, compared by its bytes: canonically equivalent texts are different names.
struct TensorName: Hashable, Sendable {
    private let utf8: [UInt8]

    init(_ name: String) {
        utf8 = Array(name.utf8)
    }
}
