import CKernels

/// How a tensor's floating-point numbers are stored.
package enum StoredType: Sendable {
    case float32, float16, bfloat16

    package var byteCount: Int { self == .float32 ? 4 : 2 }

    var code: ck_dtype {
        switch self {
        case .float32: CK_F32
        case .float16: CK_F16
        case .bfloat16: CK_BF16
        }
    }
}

/// A matrix that somebody else owns: row-major, at any address, read only.
package struct StoredMatrix {
    package let type: StoredType
    package let rows: Int
    package let columns: Int
    package let bytes: UnsafeRawBufferPointer

    /// - Precondition: `bytes` holds exactly `rows * columns` elements.
    package init(type: StoredType, rows: Int, columns: Int, bytes: UnsafeRawBufferPointer) {
        precondition(rows > 0 && columns > 0 && bytes.count == rows * columns * type.byteCount)
        self.type = type
        self.rows = rows
        self.columns = columns
        self.bytes = bytes
    }

    var base: UnsafeRawPointer { bytes.baseAddress.unsafelyUnwrapped }

    /// The whole matrix as float32.
    package func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            ck_widen(base, type.code, buffer.baseAddress, rows * columns)
            count = rows * columns
        }
    }

    /// Raises each of `maxima` to the largest absolute value of its column.
    package func raise(_ maxima: inout [Float]) {
        precondition(maxima.count == columns)
        maxima.withUnsafeMutableBufferPointer {
            ck_column_maxima(base, type.code, columns, rows, columns, $0.baseAddress)
        }
    }
}

extension Rows<UInt16> {
    /// Raises each of `maxima` to the largest absolute value of its column; the rows are bfloat16.
    package func raise(_ maxima: inout [Float]) {
        precondition(maxima.count <= stride)
        maxima.withUnsafeMutableBufferPointer {
            ck_column_maxima(base, CK_BF16, stride, count, $0.count, $0.baseAddress)
        }
    }
}
