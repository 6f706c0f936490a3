import JSON
import Platform

/// The weights of one module: a `model.safetensors`, or the shards that its index lists.
package struct WeightFiles: TensorSource {
    /// The file, or the index.
    package let origin: String
    private let files: [SafetensorsFile]
    /// Which file holds a tensor; empty when there is only one.
    private let shards: [TensorName: Int]

    /// Opens the weights in the folder of a module.
    ///
    /// - Throws: ``ModelError``; for weights that only exist as `pytorch_model.bin`, one that says
    ///   how to convert them, since that format is a program to run and not data to read.
    package init(_ folder: ModelFolder, in module: String = "") throws(ModelError) {
        let adapter = folder.file("adapter_config.json", in: module)
        guard !Files.exists(adapter) else {
            throw .unreadable(file: adapter, reason: Self.merging)
        }
        let single = folder.file("model.safetensors", in: module)
        let index = folder.file("model.safetensors.index.json", in: module)
        if Files.exists(single) || !Files.exists(index) {
            let pickle = folder.file("pytorch_model.bin", in: module)
            if !Files.exists(single), Files.exists(pickle) {
                throw .unreadable(file: pickle, reason: Self.conversion)
            }
            origin = single
            files = [try SafetensorsFile(path: single)]
            shards = [:]
        } else {
            origin = index
            (files, shards) = try Self.open(index: index, folder, in: module)
        }
    }

    /// Several modules' weights, to be counted and watched together.
    init(joining all: [WeightFiles]) {
        origin = all.first?.origin ?? ""
        files = all.flatMap(\.files)
        shards = [:]
    }

    private static let merging =
        "weights with an adapter beside them are not read; merge them once with: python -c "
        + "\"from sentence_transformers import SentenceTransformer as S; m = S('DIR'); "
        + "m[0].model = m[0].model.merge_and_unload(); m.save_pretrained('NEW_DIR')\""

    private static let conversion =
        "weights in PyTorch's pickle format are not read; convert them once with: python -c "
        + "\"from sentence_transformers import SentenceTransformer as S; "
        + "S('DIR').save_pretrained('NEW_DIR')\" (writes model.safetensors)"

    /// The shards of `model.safetensors.index.json`, with each tensor's shard.
    private static func open(
        index path: String, _ folder: ModelFolder, in module: String
    ) throws(ModelError) -> ([SafetensorsFile], [TensorName: Int]) {
        let index = try ConfigurationFile(path: path)
        guard let map = try index.nested("weight_map") else { throw index.missing("weight_map") }
        var files: [SafetensorsFile] = []
        var opened: [String: Int] = [:]
        var shards: [TensorName: Int] = [:]
        for tensor in map.keys {
            let name = try map.requiredText(tensor)
            // A name that could lead out of the folder is never opened.
            guard !name.isEmpty, !name.contains("/"), ModelFolder.isInside(name) else {
                throw .malformed(
                    file: path, field: map.name(tensor),
                    reason: "\(name) is not the plain name of a file")
            }
            if opened[name] == nil {
                opened[name] = files.count
                files.append(try SafetensorsFile(path: folder.file(name, in: module)))
            }
            guard let position = opened[name], files[position].contains(tensor) else {
                throw .inconsistent(
                    file: path, field: map.name(tensor), reason: "\(name) has no such tensor")
            }
            shards[TensorName(tensor)] = position
        }
        return (files, shards)
    }

    /// The paths of the files, the index among them.
    package var paths: [String] {
        let paths = files.map(\.origin)
        return shards.isEmpty ? paths : [origin] + paths
    }

    /// Every tensor of every file.
    ///
    /// - Throws: ``ModelError``.
    func tensors() throws(ModelError) -> [TensorView] {
        var tensors: [TensorView] = []
        for file in files {
            for name in file.names { tensors.append(try file.tensor(named: name)) }
        }
        return tensors
    }

    /// The names of all tensors.
    package var names: [String] { files.flatMap(\.names) }

    /// The bytes of all tensors, as they are stored.
    package var dataBytes: Int { files.reduce(0) { $0 + $1.dataBytes } }

    package func contains(_ name: String) -> Bool {
        file(of: name)?.contains(name) ?? false
    }

    package func tensor(named name: String) throws(ModelError) -> TensorView {
        guard let file = file(of: name) else { throw .missingTensor(file: origin, name: name) }
        return try file.tensor(named: name)
    }

    /// Checks that nobody wrote to the files since they were mapped.
    ///
    /// - Throws: `ModelError.unreadable`.
    package func checkUnchanged() throws(ModelError) {
        for file in files { try file.checkUnchanged() }
    }

    private func file(of name: String) -> SafetensorsFile? {
        shards.isEmpty ? files.first : shards[TensorName(name)].map { files[$0] }
    }
}

/// Weights found by their canonical names, under the spellings that files in the field use.
///
/// A checkpoint of a model with a head has the body's tensors under a prefix (`bert.`), one that was
/// saved from parallel training has `module.` before that, and old ones call the parameters of a
/// norm `gamma` and `beta`.
package struct CanonicalTensors: TensorSource {
    private let source: any TensorSource
    private let prefixes: [String]

    /// - Parameter prefixes: what may stand before a canonical name, each with its dot.
    package init(_ source: any TensorSource, prefixes: [String]) {
        self.source = source
        self.prefixes = [""] + prefixes
    }

    package var origin: String { source.origin }

    package func contains(_ name: String) -> Bool {
        spelling(of: name) != nil
    }

    package func tensor(named name: String) throws(ModelError) -> TensorView {
        try source.tensor(named: spelling(of: name) ?? name)
    }

    /// The name under which the source has the tensor, or nil.
    func spelling(of name: String) -> String? {
        for spelled in [name, Self.legacyName(of: name)].compactMap({ $0 }) {
            for wrapper in ["", "module."] {
                for prefix in prefixes where source.contains(wrapper + prefix + spelled) {
                    return wrapper + prefix + spelled
                }
            }
        }
        return nil
    }

    private static func legacyName(of name: String) -> String? {
        for (new, old) in [("Norm.weight", "Norm.gamma"), ("Norm.bias", "Norm.beta")]
        where name.hasSuffix(new) {
            return name.dropLast(new.count) + old
        }
        return nil
    }
}
