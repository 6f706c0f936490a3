import Kernels
import Testing

struct AlignedBufferTests {
    /// Sizes below, at and above those that have pages of their own, and together more than one region.
    private static let sizes = [
        1, 63, 64, 65, 4096, 300_000, 1 << 20, (2 << 20) - 1, 2 << 20, 5 << 20,
    ]

    /// Looks at both ends and every thousandth byte.
    private static func isFilled(_ buffer: AlignedBuffer, with mark: UInt8) -> Bool {
        let bytes = buffer.bytes
        return bytes.last == mark
            && stride(from: 0, to: bytes.count, by: 1009).allSatisfy { bytes[$0] == mark }
    }

    @Test func lastingBuffersAreAlignedAndApart() {
        var buffers: [(buffer: AlignedBuffer, mark: UInt8)] = []
        for round in 0..<12 {
            for (index, size) in Self.sizes.enumerated() {
                let buffer = AlignedBuffer(byteCount: size, isLasting: true)
                #expect(Int(bitPattern: buffer.bytes.baseAddress) % 64 == 0)
                #expect(buffer.bytes.count >= size && buffer.bytes.count < size + 64)
                let mark = UInt8(truncatingIfNeeded: round * Self.sizes.count + index)
                buffer.bytes.initializeMemory(as: UInt8.self, repeating: mark)
                buffers.append((buffer, mark))
            }
            // Others stay where they are when some of those beside them go.
            if round % 3 == 2 { buffers.removeAll { $0.mark % 2 == 0 } }
        }
        for (buffer, mark) in buffers {
            #expect(Self.isFilled(buffer, with: mark))
        }
    }

    @Test func lastingBuffersComeFromSeveralThreads() async {
        await withTaskGroup(of: Bool.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    let buffers = (0..<64).map { _ in
                        AlignedBuffer(byteCount: 200_000, isLasting: true)
                    }
                    for buffer in buffers {
                        buffer.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(thread))
                    }
                    return buffers.allSatisfy { Self.isFilled($0, with: UInt8(thread)) }
                }
            }
            for await isIntact in group { #expect(isIntact) }
        }
    }
}
