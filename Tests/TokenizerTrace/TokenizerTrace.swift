import Glibc
import Platform
import Tokenizers

/// Shows what a tokenizer does with texts, for scripts/golden/tokenizer_torture.py.
///
///     tokenizer-trace FOLDER          for each text one line of `id:start-end`, or `id:-` for an added token
///     tokenizer-trace FOLDER --time   how long each text takes, and tokens per second over all
///
/// Texts come from standard input, each as its length in bytes (four, little-endian) and its UTF-8.
@main
struct TokenizerTrace {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let folder = arguments.first, arguments.count < 3,
            arguments.count == 1 || arguments.last == "--time"
        else {
            return fail("usage: tokenizer-trace FOLDER [--time] <texts")
        }
        do {
            let tokenizer = try load(folder)
            if arguments.count == 1 { trace(tokenizer) } else { measure(tokenizer) }
        } catch {
            fail("\(error)")
        }
    }

    private static func load(_ folder: String) throws -> Tokenizer {
        try Tokenizer(
            TokenizerFiles(
                exists: { Files.exists(folder + "/" + $0) },
                contents: { name throws(FileError) in
                    try Files.contents(of: folder + "/" + name, limit: 256 << 20)
                }))
    }

    private static func trace(_ tokenizer: Tokenizer) {
        let input = fdopen(0, "r")
        while let text = nextText(input) {
            let encoding = tokenizer.encode(text)
            var line = ""
            for (id, range) in zip(encoding.ids, encoding.offsets) {
                line += range.map { "\(id):\($0.lowerBound)-\($0.upperBound) " } ?? "\(id):- "
            }
            if tokenizer.tokenIDs(text).ids != encoding.ids {
                line += "(and by the fast path other ids)"
            }
            print(line)
        }
    }

    private static func measure(_ tokenizer: Tokenizer) {
        var texts: [String] = []
        let input = fdopen(0, "r")
        while let text = nextText(input) { texts.append(text) }
        var tokens = 0
        let clock = ContinuousClock()
        let whole = clock.measure {
            for text in texts {
                let one = clock.measure { tokens += tokenizer.tokenIDs(text).ids.count }
                if texts.count < 100 { print("\(text.utf8.count) bytes: \(one)") }
            }
        }
        let seconds =
            Double(whole.components.seconds) + Double(whole.components.attoseconds) * 1e-18
        print(
            "\(texts.count) texts, \(tokens) tokens, \(Double(tokens) / seconds / 1e6) M tokens/s")
    }

    private static func nextText(_ input: UnsafeMutablePointer<FILE>?) -> String? {
        guard let input else { return nil }
        var length: UInt32 = 0
        guard fread(&length, 4, 1, input) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(UInt32(littleEndian: length)))
        guard fread(&bytes, 1, bytes.count, input) == bytes.count else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fail(_ message: String) {
        let line = message + "\n"
        write(2, line, line.utf8.count)
        exit(1)
    }
}
