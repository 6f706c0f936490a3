import HTTPWire

private struct Outcome: Equatable {
    var content: [UInt8] = []
    var hasEnded = false
    var restCount = 0
    var failure: ProtocolFailure?
}

private let contentBytesMaximum = 4096

private func decode(_ bytes: [UInt8], pieceBytes: Int) -> Outcome {
    var decoder = ChunkedDecoder(contentBytesMaximum: contentBytesMaximum)
    var outcome = Outcome()
    var start = 0
    while start < bytes.count && !outcome.hasEnded {
        var range = start..<min(bytes.count, start + pieceBytes)
        start = range.upperBound
        do throws(ProtocolFailure) {
            pieces: while true {
                switch try decoder.next(bytes, &range) {
                case .incomplete: break pieces
                case .content(let content): outcome.content += bytes[content]
                case .end:
                    outcome.hasEnded = true
                    outcome.restCount = bytes.count - range.lowerBound
                    break pieces
                }
            }
        } catch {
            outcome.failure = error
            return outcome
        }
    }
    return outcome
}

/// Content made of the input, cut into chunks whose sizes it gives, in the plainest form.
private func encode(_ content: [UInt8], sizes: [UInt8]) -> [UInt8] {
    var encoded: [UInt8] = []
    var start = 0
    var index = 0
    while start < content.count {
        let size = Int(sizes.isEmpty ? 16 : sizes[index % sizes.count]) + 1
        let end = min(content.count, start + size)
        encoded += Array(String(end - start, radix: 16).utf8) + [13, 10]
        encoded += content[start..<end] + [13, 10]
        start = end
        index += 1
    }
    return encoded + Array("0\r\n\r\n".utf8)
}

/// Oracles: the outcome does not depend on the pieces; what is encoded comes back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunkedDecoder(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = decode(bytes, pieceBytes: .max / 2)
    precondition(whole.content.count <= contentBytesMaximum)
    for pieceBytes in [1, 2, 7] {
        precondition(decode(bytes, pieceBytes: pieceBytes) == whole, "pieces of \(pieceBytes)")
    }
    let content = Array(bytes.prefix(512))
    let back = decode(encode(content, sizes: Array(bytes.suffix(8))), pieceBytes: 5)
    precondition(back == Outcome(content: content, hasEnded: true), "\(back)")
    return 0
}
