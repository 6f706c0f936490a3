import HTTPWire
import Synchronization

/// The name of a request in logs and in the `x-request-id` header.
package enum RequestID {
    /// The client's own id when it is 1 to 64 characters of `[A-Za-z0-9._-]`, else a new random one.
    package static func of(_ head: RequestHead) -> String {
        guard let given = head.fields.bytes(of: "x-request-id"), isValid(given) else {
            return make()
        }
        return String(decoding: given, as: UTF8.self)
    }

    /// A new id: 96 bits in hexadecimal, which look random, and none of which comes twice in a process.
    ///
    /// A counter goes through splitmix64's finalizer, which maps 64-bit numbers one to one, from a
    /// random start: it names a request and keeps no secret, so it may be cheaper than a call of the
    /// system for each (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
    package static func make() -> String {
        let number = UInt64(count.wrappingAdd(1, ordering: .relaxed).newValue)
        let high = mixed(start.high &+ number &* 0x9E37_79B9_7F4A_7C15)
        let low = mixed(start.low ^ number)
        return String(unsafeUninitializedCapacity: 28) { id in
            _ = id.update(fromContentsOf: "req-".utf8)
            for digit in 0..<16 { id[4 + digit] = hexDigit(high >> UInt64(60 - 4 * digit)) }
            for digit in 0..<8 { id[20 + digit] = hexDigit(low >> UInt64(28 - 4 * digit)) }
            return 28
        }
    }

    private static let count = Atomic(0)
    private static let start = (
        high: UInt64.random(in: 0 ... .max), low: UInt64.random(in: 0 ... .max)
    )

    private static func mixed(_ number: UInt64) -> UInt64 {
        var bits = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    private static func hexDigit(_ number: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: number & 0xF)
        return digit < 10 ? 0x30 + digit : 0x57 + digit
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
