/// Every bound on what one request may be, in one place.
package struct HTTPLimits: Hashable, Sendable {
    /// The method, target and version, without their line end; beyond it 414 (or 501 for the method).
    package var requestLineBytesMaximum = 8 << 10
    /// All field lines of the head, or of the trailer section, with their line ends; beyond it 431.
    package var fieldBytesMaximum = 32 << 10
    /// Field lines of the head, or of the trailer section; beyond it 431.
    package var fieldCountMaximum = 100
    /// Content bytes, on the wire and, separately, after inflation; beyond it 413.
    package var bodyBytesMaximum = 32 << 20
    /// A chunk's size line with its extensions; beyond it 400.
    package var chunkLineBytesMaximum = 4 << 10
    /// Chunk framing bytes that are tolerated whatever the content; above it, framing may be at most
    /// four times the content (RFC 9112 §7.1.1 asks for such a bound), else 400.
    package var chunkOverheadBytesAllowance = 16 << 10
    /// Line ends ignored before a request line (RFC 9112 §2.2 wants at least one); beyond it 400.
    package var leadingEmptyLinesMaximum = 2

    package init() {}
}
