/// The element types of a safetensors file, by the names that the format gives them.
package enum ElementType: String, CaseIterable, Sendable {
    case bool = "BOOL"
    case float4 = "F4"
    case float6E2M3 = "F6_E2M3"
    case float6E3M2 = "F6_E3M2"
    case uint8 = "U8"
    case int8 = "I8"
    case float8E5M2 = "F8_E5M2"
    case float8E4M3 = "F8_E4M3"
    case float8E8M0 = "F8_E8M0"
    case float8E4M3FNUZ = "F8_E4M3FNUZ"
    case float8E5M2FNUZ = "F8_E5M2FNUZ"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    case complex64 = "C64"
    case float64 = "F64"
    case int64 = "I64"
    case uint64 = "U64"

    /// The types that weights are read in; all are widened or narrowed from float32.
    package static let floats: [ElementType] = [.float32, .float16, .bfloat16]

    /// The types that a table of vectors is read in: all that float32 holds, and doubles, rounded.
    package static let numbers = floats + [.float64, .int8, .uint8]

    package var isNumber: Bool { Self.numbers.contains(self) }

    /// The size of one element, in bits.
    package var bits: Int {
        switch self {
        case .float4: 4
        case .float6E2M3, .float6E3M2: 6
        case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ,
            .float8E5M2FNUZ:
            8
        case .int16, .uint16, .float16, .bfloat16: 16
        case .int32, .uint32, .float32: 32
        case .complex64, .float64, .int64, .uint64: 64
        }
    }
}

/// A tensor that lies in a mapped file: row-major, little-endian, at any alignment.
///
/// The view keeps the mapping alive, so it may outlive the file object that it came from.
package struct TensorView: @unchecked Sendable {
    package let name: String
    package let dtype: ElementType
    /// The lengths of the axes, empty for a scalar; their product fits in an `Int`.
    package let shape: [Int]
    /// The elements, exactly `count * dtype.bits / 8` bytes, unaligned and never written.
    package let bytes: UnsafeRawBufferPointer
    /// What owns `bytes`: the view may cross threads because the bytes are only ever read.
    private let owner: AnyObject?

    package init(
        name: String, dtype: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer,
        owner: AnyObject?
    ) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }

    /// The number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// The elements widened to float32, in order.
    ///
    /// - Precondition: `dtype.isNumber`.
    package func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            copyFloats(from: 0, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
            initialized = count
        }
    }

    /// Writes the `destination.count` elements that start at element `first`, widened to float32.
    ///
    /// - Precondition: `dtype.isNumber` and the range lies within the tensor.
    package func copyFloats(from first: Int, into destination: UnsafeMutableBufferPointer<Float>) {
        precondition(dtype.isNumber, "not a tensor of numbers")
        precondition(first >= 0 && destination.count <= count - first, "out of the tensor's range")
        guard let target = destination.baseAddress, let source = bytes.baseAddress else { return }
        let start = source + first * (dtype.bits / 8)
        switch dtype {
        case .float32:
            UnsafeMutableRawPointer(target)
                .copyMemory(from: start, byteCount: destination.count * 4)
        case .bfloat16:
            for index in 0..<destination.count {
                let half = start.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                target[index] = Float(bitPattern: UInt32(half) << 16)
            }
        case .int8:
            for index in 0..<destination.count {
                target[index] = Float(start.load(fromByteOffset: index, as: Int8.self))
            }
        case .uint8:
            for index in 0..<destination.count {
                target[index] = Float(start.load(fromByteOffset: index, as: UInt8.self))
            }
        case .float64:
            for index in 0..<destination.count {
                target[index] = Float(
                    start.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        default:
            for index in 0..<destination.count {
                let half = start.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                target[index] = Float(Float16(bitPattern: half))
            }
        }
    }

    /// Checks that the elements are of a type that weights are read in.
    ///
    /// - Throws: `ModelError.unsupported`, which names `file`.
    func requireFloats(_ file: String) throws(ModelError) {
        try require(ElementType.floats, file)
    }

    /// Checks that the elements are of a type that a table is read in.
    ///
    /// - Throws: `ModelError.unsupported`, which names `file`.
    func requireNumbers(_ file: String) throws(ModelError) {
        try require(ElementType.numbers, file)
    }

    private func require(_ types: [ElementType], _ file: String) throws(ModelError) {
        guard types.contains(dtype) else {
            throw .unsupported(
                file: file, field: "tensor \(name): dtype", value: dtype.rawValue,
                supported: types.map(\.rawValue))
        }
    }
}
