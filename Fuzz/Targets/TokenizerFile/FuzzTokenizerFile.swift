import EncodingOracle
import Tokenizers

private let texts = [
    "", " ", "a", "Hello  wörld, don't!\n", "e\u{301}\u{323} ｶﾞ™ 中文字 👨‍👩‍👧 \u{0}\u{FFFD} 1234",
    "<s>[MASK] <mask>▁",
]

/// Up to the first zero byte the input is `tokenizer.json`, behind it `tokenizer_config.json`.
///
/// Oracles: an error names its file; what loads encodes within its vocabulary and within the text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenizerFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    do throws(TokenizerFileError) {
        let tokenizer = try Tokenizer(
            tokenizerJSON: Array(parts[0]),
            tokenizerConfiguration: parts.count > 1 ? Array(parts[1]) : nil)
        for text in texts { EncodingOracle.check(tokenizer, text) }
        precondition(!tokenizer.summary.isEmpty)
    } catch {
        precondition(error.file.hasSuffix(".json") && !error.reason.isEmpty)
    }
    return 0
}
