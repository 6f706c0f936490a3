import Kernels
import Testing

struct AttentionTests {
    /// Attention of one head of 16 columns over `length` tokens with waves in all their numbers.
    private func attend(
        _ kernels: Kernels, length: Int, queries: Int, window: AttentionWindow?, keyBlock: Int?
    ) -> [Float] {
        let size = 16
        let mixed = AlignedBuffer(byteCount: 4 * 3 * size * length)
        let rows = Rows(mixed.elements(of: Float.self), count: length, stride: 3 * size)
        for index in 0..<length * 3 * size {
            rows.base[index] = Float((index * 7919) % 1009) / 250 - 2
        }
        var shape = AttentionShape(queries: queries, keys: length, headSize: size, scale: 0.25)
        shape.window = window
        shape.keyBlock = keyBlock
        let scratch = AlignedBuffer(byteCount: shape.scratchByteCount)
        let output = AlignedBuffer(byteCount: 4 * size * queries)
        let target = Rows(output.elements(of: Float.self), count: queries, stride: size)
        kernels.attention(
            query: rows, key: rows.columns(from: size), value: rows.columns(from: 2 * size), shape,
            scratch: scratch.bytes.baseAddress.unsafelyUnwrapped, to: target)
        return Array(UnsafeBufferPointer(start: target.base, count: queries * size))
    }

    private static let windows: [AttentionWindow?] = [
        nil, AttentionWindow(behind: nil, ahead: 0), AttentionWindow(behind: 64, ahead: 64),
        AttentionWindow(behind: 2_400, ahead: 0),
    ]

    /// Keys by blocks, which long texts take, give what all keys at once give.
    @Test(arguments: windows)
    func blocksGiveWhatAllKeysGive(window: AttentionWindow?) throws {
        let kernels = try Kernels(.automatic)
        for (length, queries) in [(2_049, 2_049), (2_700, 2_700), (2_700, 1)] {
            func rows(_ keyBlock: Int?) -> [Float] {
                attend(
                    kernels, length: length, queries: queries, window: window, keyBlock: keyBlock)
            }
            let whole = rows(0)
            for keyBlock in [nil, 64, 1_024] {
                let differences = zip(rows(keyBlock), whole).map { abs($0 - $1) }
                #expect((differences.max() ?? 1) <= 1e-5, "\(length) by \(keyBlock ?? -1)")
            }
        }
    }
}
