import Glibc

/// Uninitialised memory that starts at a multiple of 64 bytes, for one owner at a time.
///
/// Large buffers start at 2 MiB and ask for huge pages, so that streaming weights does not miss the
/// TLB.
package final class AlignedBuffer: @unchecked Sendable {
    /// Safe to share: the pointer never changes; who may touch the bytes is the owner's to say.
    package let bytes: UnsafeMutableRawBufferPointer

    private static let hugePage = 2 << 20

    /// Reserves `byteCount` bytes (at least 64, whole lines of 64).
    package init(byteCount: Int) {
        let size = max(64, (byteCount + 63) & ~63)
        let alignment = size >= Self.hugePage ? Self.hugePage : 64
        bytes = .allocate(byteCount: size, alignment: alignment)
        if size >= Self.hugePage, let base = bytes.baseAddress {
            // Advice only: where huge pages are off, nothing changes.
            _ = madvise(base, size & ~(Self.hugePage - 1), MADV_HUGEPAGE)
        }
    }

    deinit {
        bytes.deallocate()
    }

    /// The whole as elements of a plain type.
    package func elements<Element: BitwiseCopyable>(
        of type: Element.Type
    ) -> UnsafeMutablePointer<Element> {
        bytes.bindMemory(to: type).baseAddress.unsafelyUnwrapped
    }
}
