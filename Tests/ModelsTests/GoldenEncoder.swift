import FoundationEssentials
import Kernels
import Models
import TestSupport
import Tokenizers

/// The real model's encoder and what the reference computes with it.
enum GoldenEncoder {
    struct Text {
        let tokenIDs: [Int32]
        let vector: [Float]
    }

    /// The folder of all-MiniLM-L6-v2, or nil when it is not on this machine.
    static let folder: String? = {
        let environment = ProcessInfo.processInfo.environment
        let path =
            environment["QUIVER_TEST_MODEL"]
            ?? (environment["HOME"] ?? "") + "/.cache/quiver/models/all-MiniLM-L6-v2"
        return FileManager.default.fileExists(atPath: path + "/model.safetensors") ? path : nil
    }()

    static let configuration = EncoderConfiguration(
        vocabularySize: 30522, hiddenSize: 384, layerCount: 6, headCount: 12,
        intermediateSize: 1536)

    static func load(
        _ kernels: String, type: NumericType = .float32, folder: String
    ) throws -> Encoder {
        let source = try WeightFiles(ModelFolder(path: folder))
        var calibration: PackedBatch?
        if type == .int8 {
            let path = URL(filePath: folder + "/tokenizer.json")
            let tokenizer = try Tokenizer(
                tokenizerJSON: Array(try Data(contentsOf: path)), tokenizerConfiguration: nil)
            calibration = PackedBatch(CalibrationTexts.all.map { tokenizer.encode($0).ids })
        }
        return try Encoder(
            configuration: configuration, source: source, type: type,
            kernels: Kernels(.named(kernels)), calibration: calibration)
    }

    /// The texts of `encoder/minilm-golden.bin`, or of the file that QUIVER_TEST_GOLDEN names.
    static func texts() throws -> [Text] {
        let bytes: [UInt8]
        if let path = ProcessInfo.processInfo.environment["QUIVER_TEST_GOLDEN"] {
            bytes = Array(try Data(contentsOf: URL(filePath: path)))
        } else {
            bytes = try Fixture.bytes("encoder/minilm-golden.bin")
        }
        return bytes.withUnsafeBytes { buffer in
            var at = 0
            func word() -> UInt32 {
                defer { at += 4 }
                return UInt32(
                    littleEndian: buffer.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            }
            let count = Int(word())
            return (0..<count).map { _ in
                let length = Int(word())
                let tokenIDs = (0..<length).map { _ in Int32(bitPattern: word()) }
                return Text(
                    tokenIDs: tokenIDs,
                    vector: (0..<384).map { _ in Float(bitPattern: word()) })
            }
        }
    }

    /// One normalised mean vector for each text.
    static func embed(
        _ texts: [[Int32]], _ encoder: Encoder, _ workspace: Workspace,
        pooling: PoolingConfiguration = PoolingConfiguration(modes: [.mean])
    ) throws -> [[Float]] {
        let width = pooling.dimensions(hiddenSize: encoder.configuration.hiddenSize)
        var flat = [Float](repeating: .nan, count: texts.count * width)
        try flat.withUnsafeMutableBufferPointer {
            try encoder.embed(
                PackedBatch(texts), workspace: workspace, pooling: pooling, normalize: true,
                into: $0)
        }
        return texts.indices.map { Array(flat[$0 * width..<($0 + 1) * width]) }
    }

    static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        var dot = 0.0
        var a = 0.0
        var b = 0.0
        for (x, y) in zip(left, right) {
            dot += Double(x) * Double(y)
            a += Double(x) * Double(x)
            b += Double(y) * Double(y)
        }
        return dot / (a * b).squareRoot()
    }
}
