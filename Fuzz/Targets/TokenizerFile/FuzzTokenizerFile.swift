import EncodingOracle
import Tokenizers

private let texts = [
    "", " ", "a", "Hello  wörld, don't!\n", "e\u{301}\u{323} ｶﾞ™ 中文字 👨‍👩‍👧 \u{0}\u{FFFD} 1234",
    "<s>[MASK] <mask>▁",
]

/// Loads a tokenizer from the input's files, which zero bytes part, and encodes texts with it.
///
/// The files are `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json`,
/// `added_tokens.json`, `vocab.txt`, `vocab.json` and `merges.txt`; an empty one is not there.
///
/// Oracles: an error names its file; what loads encodes within its vocabulary and within the text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenizerFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var parts = bytes.split(separator: 0, maxSplits: 6, omittingEmptySubsequences: false)
        .map { $0.isEmpty ? nil : Array($0) }[...]
    var files = TokenizerFiles(
        tokenizer: parts.popFirst() ?? nil, configuration: parts.popFirst() ?? nil)
    files.specialTokens = parts.popFirst() ?? nil
    files.addedTokens = parts.popFirst() ?? nil
    files.wordPieces = parts.popFirst() ?? nil
    files.vocabulary = parts.popFirst() ?? nil
    files.merges = parts.popFirst() ?? nil
    do throws(TokenizerFileError) {
        let tokenizer = try Tokenizer(files, lowercases: bytes.count % 2 == 1)
        for text in texts { EncodingOracle.check(tokenizer, text) }
        precondition(!tokenizer.summary.isEmpty)
    } catch {
        precondition(error.file.contains(".") && !error.reason.isEmpty)
    }
    return 0
}
