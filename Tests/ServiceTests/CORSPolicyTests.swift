import HTTPWire
import Service
import Testing

struct CORSPolicyTests {
    @Test(arguments: [
        "https://app.example.com", "http://localhost:3000", "http://127.0.0.1:8081",
        "http://[::1]:3000", "chrome-extension://abcdefgh", "https://a:80", "http://a:443",
    ])
    func takesOrigins(text: String) {
        #expect(CORSPolicy.isOrigin(text))
    }

    @Test(arguments: [
        "", "*", "null", "app.example.com", "https://", "://a", "https:/a", "https://a/",
        "https://a/b", "https://*.example.com", "https://A", "HTTPS://a", "https://a b",
        "https://a,https://b", "https://a:443", "http://a:80", "https://u@a", "https://é",
        "1://a", "https://a?b", "https://a#b",
    ])
    func refusesOthers(text: String) {
        #expect(!CORSPolicy.isOrigin(text))
    }

    private func fields(_ origins: [String]) -> HTTPFields {
        var fields = HTTPFields()
        for origin in origins { fields.append("Origin", origin) }
        return fields
    }

    @Test func comparesByteForByte() {
        let policy = CORSPolicy(origins: ["https://a", "http://b:1"])
        #expect(policy.allowedOrigin(of: fields(["https://a"])) == "https://a")
        #expect(policy.allowedOrigin(of: fields(["http://b:1"])) == "http://b:1")
        for others in [
            [], [""], ["https://A"], ["https://a/"], ["https://a.evil"], ["http://a"],
            ["http://b"], ["null"], ["*"], ["https://a https://b"], ["https://a", "https://a"],
        ] {
            #expect(policy.allowedOrigin(of: fields(others)) == nil, "\(others)")
        }
        #expect(CORSPolicy(origins: []).allowedOrigin(of: fields(["https://a"])) == nil)
    }

    @Test func knowsAPreflight() {
        var asked = fields(["https://evil"])
        asked.append("Access-Control-Request-Method", "POST")
        let preflight = RequestHead(
            method: .options, target: "/v1/embeddings", path: "/v1/embeddings", fields: asked)
        #expect(CORSPolicy(origins: ["https://a"]).isPreflight(preflight))
        #expect(!CORSPolicy(origins: []).isPreflight(preflight))
        for (method, fields) in [(HTTPMethod.post, asked), (.options, fields(["https://a"]))] {
            let other = RequestHead(
                method: method, target: "/v1/embeddings", path: "/v1/embeddings", fields: fields)
            #expect(!CORSPolicy(origins: ["https://a"]).isPreflight(other))
        }
    }
}
