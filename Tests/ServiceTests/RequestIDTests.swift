import HTTPWire
import Service
import Testing

struct RequestIDTests {
    private func id(_ given: String?) -> String {
        var fields = HTTPFields()
        if let given { fields.append("X-Request-Id", given) }
        return RequestID.of(
            RequestHead(method: .get, target: "/health", path: "/health", fields: fields))
    }

    private func isMade(_ id: String) -> Bool {
        id.utf8.count == 28 && id.hasPrefix("req-")
            && id.dropFirst(4).allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    @Test(arguments: [
        "a", "0", "req-1", "A.b_C-9", "5f0c6d0e-7d3f-4c6e-9d58-3f2a4b1c0d9e",
        String(repeating: "x", count: 64),
    ])
    func keepsTheClientsOwn(given: String) {
        #expect(id(given) == given)
    }

    @Test(arguments: [
        "", " ", "a b", "a/b", "a\"b", "a\\b", "a,b", "a:b", "é", "a\tb", "{}", "%0a",
        String(repeating: "x", count: 65),
    ])
    func replacesWhatCouldHarmALog(given: String) {
        #expect(isMade(id(given)))
    }

    @Test func makesADifferentOneEachTime() {
        #expect(isMade(id(nil)))
        let ids = (0..<1000).map { _ in RequestID.make() }
        #expect(ids.allSatisfy(isMade))
        #expect(Set(ids).count == ids.count)
    }
}
