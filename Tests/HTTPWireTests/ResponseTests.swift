import HTTPWire
import Testing

struct ResponseTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    ])
    func writesDates(seconds: Int, text: String) {
        #expect(String(decoding: HTTPDate.format(secondsSince1970: seconds), as: UTF8.self) == text)
    }

    @Test func fieldsCannotSplitAResponse() {
        var fields = HTTPFields()
        fields.append("x-a", "a\r\nset-cookie: b\0")
        #expect(fields["X-A"] == "a  set-cookie: b ")
        fields.set("X-A", "c")
        #expect(fields.values(of: "x-a").count == 1)
    }

    @Test func writesAHeadOnceAndLeavesOutTheServersOwnFields() {
        var fields = HTTPFields()
        fields.append("allow", "GET")
        fields.append("Content-Length", "7")
        var output: [UInt8] = []
        ResponseSerializer.appendHead(
            status: .methodNotAllowed, fields: fields,
            framing: ResponseSerializer.Framing(
                contentLength: 120, closes: true, isGzipped: true, varies: true),
            date: Array("now".utf8), to: &output)
        let expected = """
            HTTP/1.1 405 Method Not Allowed\r
            allow: GET\r
            date: now\r
            x-content-type-options: nosniff\r
            content-length: 120\r
            content-encoding: gzip\r
            vary: accept-encoding\r
            connection: close\r
            \r

            """
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test func everyFailureHasAStatusAndASentence() {
        for failure in ProtocolFailure.allFailures {
            #expect((400...599).contains(failure.status.code))
            #expect(!failure.status.reason.isEmpty)
            #expect(failure.message.hasSuffix("."))
            #expect(!failure.label.isEmpty)
        }
        #expect(
            Set(ProtocolFailure.allFailures.map(\.label)).count == ProtocolFailure.allFailures.count
        )
    }
}
