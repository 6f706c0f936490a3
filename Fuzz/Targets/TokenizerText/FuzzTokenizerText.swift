import EncodingOracle
import Glibc
import Tokenizers

private func contents(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&piece, 1, piece.count, file)
        if count == 0 { return bytes }
        bytes += piece[..<count]
    }
}

/// One tokenizer of each kind; `run` starts targets in its own folder.
private let tokenizers: [Tokenizer] = [
    "bert", "bert-added", "roberta", "llama3", "qwen2", "deepseek", "xlm-roberta", "t5", "albert",
    "llama2", "gemma", "bpe-odd",
].map { name in
    let folder = "../Tests/Fixtures/tokenizers/\(name)/"
    guard let file = contents(of: folder + "tokenizer.json"),
        let tokenizer = try? Tokenizer(
            tokenizerJSON: file,
            tokenizerConfiguration: contents(of: folder + "tokenizer_config.json"))
    else {
        preconditionFailure("cannot load \(folder): run this in the folder Fuzz")
    }
    return tokenizer
}

/// The first byte chooses the tokenizer, the rest is the text, invalid UTF-8 repaired.
///
/// Oracles: those of `EncodingOracle`; and a first byte of 0xFF repeats the text to 64 KiB, so
/// that time which grows with the square of the length ends in libFuzzer's time limit.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenizerText(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    guard let first = bytes.first else { return 0 }
    let tokenizer = tokenizers[Int(first) % tokenizers.count]
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    if first == 0xFF, !text.isEmpty {
        let long = String(repeating: text, count: (64 << 10) / text.utf8.count + 1)
        let whole = tokenizer.encode(long)
        EncodingOracle.checkRanges(whole, tokenizer, [long])
        precondition(tokenizer.tokenIDs(long).ids == whole.ids)
    } else {
        EncodingOracle.check(tokenizer, text)
    }
    return 0
}
