import HTTPWire

/// The name of a request in logs and in the `x-request-id` header.
package enum RequestID {
    /// The client's own id when it is 1 to 64 characters of `[A-Za-z0-9._-]`, else a new random one.
    package static func of(_ head: RequestHead) -> String {
        guard let given = head.fields.bytes(of: "x-request-id"), isValid(given) else {
            return make()
        }
        return String(decoding: given, as: UTF8.self)
    }

    /// A new id: 96 random bits in hexadecimal.
    package static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let high = String(generator.next() as UInt64, radix: 16)
        let low = String(UInt32.random(in: 0 ... .max, using: &generator), radix: 16)
        return "req-" + String(repeating: "0", count: 16 - high.utf8.count) + high
            + String(repeating: "0", count: 8 - low.utf8.count) + low
    }

    private static func isValid(_ id: ArraySlice<UInt8>) -> Bool {
        (1...64).contains(id.count)
            && id.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
