import HTTPWire
import Testing

struct ChunkedDecoderTests {
    private func decode(
        _ text: String, maximum: Int = 1 << 20
    ) throws(ProtocolFailure) -> (content: String, isComplete: Bool, rest: Int) {
        var decoder = ChunkedDecoder(contentBytesMaximum: maximum)
        let bytes = Array(text.utf8)
        var range = 0..<bytes.count
        var content: [UInt8] = []
        while true {
            switch try decoder.next(bytes, &range) {
            case .incomplete: return (String(decoding: content, as: UTF8.self), false, range.count)
            case .content(let piece): content += bytes[piece]
            case .end: return (String(decoding: content, as: UTF8.self), true, range.count)
            }
        }
    }

    @Test(arguments: [
        "3\r\nabc\r\n0\r\n\r\n", "03;a\r\nabc\r\n0\r\n\r\n",
        "3 ; a = \"\\\";\t\"\r\nabc\r\n0;b\r\n\r\n",
        "1;x=y;z\r\na\r\n2\r\nbc\r\n0000000000000000\r\nX: y\r\n\r\n",
    ])
    func decodes(text: String) throws {
        let result = try decode(text + "GET")
        #expect(result.content == "abc")
        #expect(result.isComplete)
        #expect(result.rest == 3)
    }

    @Test(arguments: [
        "00000000000000003\r\n", "3;\"a\"\r\n", "3;a=\r\n", "3;a=b \r\n", "3 \r\n",
        "3;a=\"b\"c\r\n",
        "3;a=\"\u{1}\"\r\n", "3\r\nabcd", "3\n", ";a\r\n", "0\r\nX : y\r\n\r\n",
        "0\r\nhost: a\r\n\r\n",
        "3\r\nabc\r\r",
    ])
    func refuses(text: String) {
        #expect(throws: ProtocolFailure.self) { try decode(text) }
    }

    @Test func boundsTheContent() throws {
        #expect(throws: ProtocolFailure.contentTooLarge) { try decode("4\r\n", maximum: 3) }
        #expect(throws: ProtocolFailure.contentTooLarge) {
            try decode("2\r\nab\r\n2\r\n", maximum: 3)
        }
        #expect(throws: ProtocolFailure.contentTooLarge) { try decode("ffffffffffffffff\r\n") }
        #expect(try decode("3\r\nabc\r\n0\r\n\r\n", maximum: 3).isComplete)
    }

    /// RFC 9112 §7.1.1 asks for a bound on extensions; chunks of one byte cost the same.
    @Test func boundsTheOverhead() throws {
        let tiny = String(repeating: "1\r\na\r\n", count: 4_000)
        #expect(throws: ProtocolFailure.malformed(.chunk)) { try decode(tiny) }
        let fair = String(repeating: "8\r\naaaaaaaa\r\n", count: 10_000)
        #expect(try decode(fair + "0\r\n\r\n").isComplete)
    }
}
