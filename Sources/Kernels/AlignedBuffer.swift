import Glibc
import Platform

/// Uninitialised memory that starts at a multiple of 64 bytes, for one owner at a time.
///
/// Large buffers start at 2 MiB and ask for huge pages, so that streaming weights does not miss the
/// TLB. They are mappings of their own: what loading a model frees, the system gets back.
package final class AlignedBuffer: @unchecked Sendable {
    /// Safe to share: the pointer never changes; who may touch the bytes is the owner's to say.
    package let bytes: UnsafeMutableRawBufferPointer
    /// That whose part it is, if it has no memory of its own.
    private let region: Region?

    private static let hugePage = 2 << 20

    /// Huge pages for buffers that are too small to have their own.
    private final class Region: @unchecked Sendable {
        /// Safe to share: no two buffers have the same part.
        private let bytes = AlignedBuffer.map(Region.size)
        /// Bytes that buffers have, from the start on; touched under the lock of `newest`.
        private var usedCount = 0

        /// Not all of it is ever touched, and what is not costs nothing.
        private static let size = 32 << 20
        private static let newest = Locked(Newest())

        deinit { munmap(bytes.baseAddress, bytes.count) }

        /// The next `size` bytes, and the region that they are of, which lives as long as it is held.
        static func part(_ size: Int) -> (UnsafeMutableRawBufferPointer, Region) {
            newest.withLock { newest in
                var region = newest.region ?? Region()
                if region.usedCount + size > Region.size { region = Region() }
                newest.region = region
                defer { region.usedCount += size }
                let part = region.bytes[region.usedCount..<region.usedCount + size]
                return (UnsafeMutableRawBufferPointer(rebasing: part), region)
            }
        }
    }

    private struct Newest: Sendable {
        weak var region: Region?
    }

    /// Reserves `byteCount` bytes (at least 64, whole lines of 64).
    ///
    /// - Parameter isLasting: puts the buffer beside others that stay as long as a model does. A small
    ///   model's matrices are each smaller than a huge page, and together larger than what the TLB reaches
    ///   with pages of 4 KiB. The memory goes with the last of its buffers.
    package init(byteCount: Int, isLasting: Bool = false) {
        let size = max(64, (byteCount + 63) & ~63)
        if size >= Self.hugePage {
            (bytes, region) = (Self.map(size), nil)
        } else if isLasting {
            (bytes, region) = Region.part(size)
        } else {
            (bytes, region) = (.allocate(byteCount: size, alignment: 64), nil)
        }
    }

    deinit {
        guard region == nil else { return }
        if bytes.count >= Self.hugePage {
            munmap(bytes.baseAddress, bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// Maps `size` bytes from a multiple of 2 MiB on; ends the process without memory, as `allocate` does.
    private static func map(_ size: Int) -> UnsafeMutableRawBufferPointer {
        let whole = size + hugePage
        let start = mmap(
            nil, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else {
            preconditionFailure("no memory for \(size) bytes")
        }
        let base = start.alignedUp(toMultipleOf: hugePage)
        let page = Int(getpagesize())
        let end = (base + size).alignedUp(toMultipleOf: page)
        if base > start { munmap(start, base - start) }
        if end < start + whole { munmap(end, start + whole - end) }
        // Advice only: where huge pages are off, nothing changes.
        _ = madvise(base, size & ~(hugePage - 1), MADV_HUGEPAGE)
        return UnsafeMutableRawBufferPointer(start: base, count: size)
    }

    /// The whole as elements of a plain type.
    package func elements<Element: BitwiseCopyable>(
        of type: Element.Type
    ) -> UnsafeMutablePointer<Element> {
        bytes.bindMemory(to: type).baseAddress.unsafelyUnwrapped
    }
}
