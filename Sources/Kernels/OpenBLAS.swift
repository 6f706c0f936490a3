import CKernels
import Glibc

/// The float32 matrix product of OpenBLAS, on the calling thread: for processors that none of our
/// tables knows, and as a second opinion.
///
/// The library is opened when it is first asked for, so who does not use it pays nothing. It picks its
/// inner loops by the number of rows: a text's vector then depends in its last digits on its batch,
/// which the tables never let happen.
struct OpenBLAS: @unchecked Sendable {
    static let name = "openblas"

    /// Safe to share: `cblas_sgemm` may be called from any thread.
    private let multiply: Multiply

    /// `cblas_sgemm` of <cblas.h>: C = alpha A B + beta C.
    private typealias Multiply =
        @convention(c) (
            _ order: CInt, _ transposeA: CInt, _ transposeB: CInt, _ rows: CInt, _ columns: CInt,
            _ depth: CInt, _ alpha: Float, _ a: UnsafePointer<Float>?, _ aStride: CInt,
            _ b: UnsafePointer<Float>?, _ bStride: CInt, _ beta: Float,
            _ c: UnsafeMutablePointer<Float>?, _ cStride: CInt
        ) -> Void
    private typealias SetThreads = @convention(c) (CInt) -> Void

    /// Nil where the library is not installed.
    static let shared = OpenBLAS()

    private init?() {
        guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL),
            let product = dlsym(library, "cblas_sgemm"),
            let threads = dlsym(library, "openblas_set_num_threads")
        else { return nil }
        // The compute threads are ours; more of them would only be in the way.
        unsafeBitCast(threads, to: SetThreads.self)(1)
        multiply = unsafeBitCast(product, to: Multiply.self)
    }

    /// A float32 linear layer over packed panels, each of which is a row-major `[depth, 64]` matrix.
    func linear(_ operation: ck_linear, _ table: UnsafePointer<ck_table>) {
        guard operation.out_dtype == CK_F32, operation.rows > 0 else {
            withUnsafePointer(to: operation) { table.pointee.linear_f32($0) }
            return
        }
        let width = Int(CK_PANEL)
        let panels = operation.panels.assumingMemoryBound(to: Float.self)
        let output = operation.out.assumingMemoryBound(to: Float.self)
        // The residual may be the output, which the product overwrites: panels go through a tile.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: operation.rows * width) { tile in
            guard let sums = tile.baseAddress else { return }
            let range = operation.panel_first..<operation.panel_first + operation.panel_count
            for panel in range {
                multiply(
                    Self.rowMajor, Self.asIs, Self.asIs, CInt(operation.rows), CInt(width),
                    CInt(operation.depth), 1, operation.a.assumingMemoryBound(to: Float.self),
                    CInt(operation.a_stride), panels + panel * operation.depth * width,
                    CInt(width), 0, sums, CInt(width))
                let column = panel * width
                let count = min(width, operation.columns - column)
                for row in 0..<operation.rows {
                    finish(
                        sums + row * width, count, column: column, row: row, operation, table,
                        to: output + row * operation.out_stride + column)
                }
            }
        }
    }

    private static let rowMajor: CInt = 101
    private static let asIs: CInt = 111

    /// Bias, activation and residual of `count` sums.
    private func finish(
        _ sums: UnsafeMutablePointer<Float>, _ count: Int, column: Int, row: Int,
        _ operation: ck_linear, _ table: UnsafePointer<ck_table>,
        to output: UnsafeMutablePointer<Float>
    ) {
        if let bias = operation.bias {
            for index in 0..<count { sums[index] += bias[column + index] }
        }
        table.pointee.activate(sums, count, operation.activation)
        if let residual = operation.residual {
            let start = residual + row * operation.residual_stride + column
            for index in 0..<count { sums[index] += start[index] }
        }
        output.update(from: sums, count: count)
    }
}
