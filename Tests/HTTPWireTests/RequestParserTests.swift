import HTTPWire
import Testing

struct RequestParserTests {
    private func head(_ text: String, isSecure: Bool = false) throws -> RequestHead {
        var parser = RequestParser(isSecure: isSecure)
        let bytes = Array(text.utf8)
        var range = 0..<bytes.count
        return try #require(try parser.parse(bytes, &range))
    }

    private func failure(_ text: String, limits: HTTPLimits = HTTPLimits()) -> ProtocolFailure? {
        var parser = RequestParser(limits: limits)
        let bytes = Array(text.utf8)
        var range = 0..<bytes.count
        do throws(ProtocolFailure) {
            _ = try parser.parse(bytes, &range)
            return nil
        } catch {
            return error
        }
    }

    @Test func readsEveryPartOfAHead() throws {
        let head = try head(
            "POST /v1/%65mbeddings?a=%20 HTTP/1.1\r\nHost: a:80\r\nX-A: \t b\tc \r\nx-a: d\r\n"
                + "Content-Length: 12\r\nContent-Encoding: gzip\r\nExpect: 100-continue\r\n\r\n")
        #expect(head.method == .post)
        #expect(head.target == "/v1/%65mbeddings?a=%20")
        #expect(head.path == "/v1/embeddings")
        #expect(head.query == "a=%20")
        #expect(head.fields["X-a"] == "b\tc")
        #expect(head.fields.values(of: "x-A").map(Array.init) == [Array("b\tc".utf8), [0x64]])
        #expect(head.framing == .length(12))
        #expect(head.contentCoding == .gzip)
        #expect(head.expectsContinue)
        #expect(head.keepsAlive)
    }

    @Test(arguments: [
        ("/a%2Fb", "/a%2Fb"), ("/%7Euser", "/~user"), ("/%c3%a5", "/%c3%a5"),
        ("/.%2e/x", "/../x"), ("http://h", "/"), ("http://h/x", "/x"), ("HTTP://H?y", "/"),
    ])
    func normalizesThePath(target: String, path: String) throws {
        #expect(try head("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n").path == path)
    }

    /// RFC 9110 §4.2.3: the scheme's own port says nothing.
    @Test(arguments: [
        ("http://h:80/", "h", true), ("http://h:/", "h", true), ("http://h/", "H:80", true),
        ("http://h:80/", "h:", true), ("http://[::1]:80/", "[::1]", true),
        ("http://h:8080/", "h:8080", true), ("http://h:80/", "h:8080", false),
        ("http://h:8080/", "h", false), ("http://h:443/", "h", false), ("http://h/", "i", false),
    ])
    func holdsTheHostAgainstTheTarget(target: String, host: String, isSame: Bool) {
        let failure = failure("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(failure == (isSame ? nil : .malformed(.host)))
    }

    @Test func optionsOfTheServerIsAStar() throws {
        #expect(try head("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path == "*")
        #expect(try head("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n").path == "*")
        #expect(try head("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n").path == "/")
    }

    @Test func servesAnHTTPSTargetOnlyOverTLS() throws {
        let text = "GET https://h/x HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(try head(text, isSecure: true).path == "/x")
        #expect(failure(text) == .malformed(.target))
    }

    @Test(arguments: [
        "[::1]", "[::]", "[1::]", "[1:2:3:4:5:6:7:8]", "[::ffff:1.2.3.4]", "[1::8]:443", "a.b-c_d~",
        "h:", "h:65535", "%41", "1.2.3.4:1", "a..b",
    ])
    func acceptsHost(host: String) {
        #expect(failure("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == nil)
    }

    @Test(arguments: [
        "", "[]", "[:]", "[:::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[::1::]", "[1:]",
        "[:1]",
        "[12345::]", "[g::]", "[::1.2.3]", "[::1.2.3.256]", "[1.2.3.4::]", "[::1]a", "[::1]:x",
        "h:65536", "h:1:2", "..", "a!b", "a b", "a@b", "h:99999999999999999999", "[v1.x]", "%4",
    ])
    func refusesHost(host: String) {
        #expect(failure("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .malformed(.host))
    }

    @Test func limitsAreExact() {
        var limits = HTTPLimits()
        limits.requestLineBytesMaximum = 20
        limits.fieldBytesMaximum = 30
        limits.fieldCountMaximum = 2
        func line(_ count: Int) -> String {
            "GET /" + String(repeating: "a", count: count - 14) + " HTTP/1.1\r\n"
        }
        let host = "Host: h\r\n"
        #expect(failure(line(20) + host + "\r\n", limits: limits) == nil)
        #expect(failure(line(21) + host + "\r\n", limits: limits) == .targetTooLong)
        // 9 bytes of Host, 2 of the end, and 19 of another line.
        let other = "x: " + String(repeating: "v", count: 14) + "\r\n"
        #expect(failure(line(20) + host + other + "\r\n", limits: limits) == nil)
        #expect(failure(line(20) + host + "x" + other + "\r\n", limits: limits) == .fieldsTooLarge)
        #expect(failure(line(20) + host + "a:\r\nb:\r\n\r\n", limits: limits) == .fieldsTooLarge)
    }

    @Test(arguments: [
        ("9223372036854775808", ProtocolFailure.malformed(.contentLength)),
        ("33554433", .contentTooLarge), ("+1", .malformed(.contentLength)),
        ("1,1", .malformed(.contentLength)), ("", .malformed(.contentLength)),
    ])
    func refusesContentLength(value: String, expected: ProtocolFailure) {
        let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(value)\r\n\r\n"
        #expect(failure(text) == expected)
    }
}
