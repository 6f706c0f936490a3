import Glibc

/// Uninitialised memory that starts at a multiple of 64 bytes, for one owner at a time.
///
/// Large buffers start at 2 MiB and ask for huge pages, so that streaming weights does not miss the
/// TLB. They are mappings of their own: what loading a model frees, the system gets back.
package final class AlignedBuffer: @unchecked Sendable {
    /// Safe to share: the pointer never changes; who may touch the bytes is the owner's to say.
    package let bytes: UnsafeMutableRawBufferPointer

    private static let hugePage = 2 << 20

    /// Reserves `byteCount` bytes (at least 64, whole lines of 64).
    package init(byteCount: Int) {
        let size = max(64, (byteCount + 63) & ~63)
        bytes =
            size >= Self.hugePage ? Self.map(size) : .allocate(byteCount: size, alignment: 64)
    }

    deinit {
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
