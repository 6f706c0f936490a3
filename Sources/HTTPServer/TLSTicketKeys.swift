// The keys that seal session tickets (RFC 5077 §4, RFC 8446 §4.6.1), and their rotation.

import COpenSSL
import Platform
import Synchronization

/// One key; it is erased when the last connection lets go of it.
package final class TLSTicketKey: @unchecked Sendable {
    static let nameBytes = 16

    let madeAt: MonotonicTime
    /// 16 bytes of name, 32 for the cipher, 32 for the authentication; not written after `init`.
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    /// Nil when the system has no randomness.
    init?(madeAt: MonotonicTime) {
        self.madeAt = madeAt
        bytes = .allocate(capacity: Self.nameBytes + 64)
        bytes.initialize(repeating: 0)
        guard RAND_bytes(bytes.baseAddress, Int32(bytes.count)) == 1 else { return nil }
    }

    deinit {
        OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }

    package var name: [UInt8] { Array(bytes[..<Self.nameBytes]) }

    /// Whether the key is called what stands at `name`, 16 bytes.
    func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
        UnsafeBufferPointer(start: name, count: Self.nameBytes)
            .elementsEqual(bytes[..<Self.nameBytes])
    }

    /// Readies OpenSSL to seal or open a ticket with this key.
    func arm(
        _ cipher: OpaquePointer, _ mac: OpaquePointer, iv: UnsafePointer<UInt8>, seals: Bool
    ) -> Bool {
        guard let start = bytes.baseAddress else { return false }
        // SAFETY: the two keys lie in `bytes`, which live as long as `self`; OpenSSL copies them.
        return copenssl_arm_ticket(
            cipher, mac, start + Self.nameBytes, start + Self.nameBytes + 32, iv, seals ? 1 : 0)
            == 1
    }
}

/// The key that seals new tickets, and the one before it, which still opens them.
///
/// A key seals for ``lifetime`` and opens for as long again, so none lives for more than a day: who
/// steals one can read no older connections (of TLS 1.2) than that.
package struct TLSTicketKeyRing: Sendable {
    static let lifetime = TimeSpan.seconds(12 * 3600)

    private var current: TLSTicketKey?
    private var previous: TLSTicketKey?

    package init() {}

    /// The key for new tickets at `now`, made anew when it is too old; nil without randomness.
    package mutating func sealingKey(at now: MonotonicTime) -> TLSTicketKey? {
        rotate(at: now)
        if current == nil { current = TLSTicketKey(madeAt: now) }
        return current
    }

    /// The key of that name, and whether it still seals; nil when it is unknown or too old.
    package mutating func openingKey(
        named name: UnsafePointer<UInt8>, at now: MonotonicTime
    ) -> (key: TLSTicketKey, isCurrent: Bool)? {
        rotate(at: now)
        if let current, current.isNamed(name) { return (current, true) }
        if let previous, previous.isNamed(name) { return (previous, false) }
        return nil
    }

    private mutating func rotate(at now: MonotonicTime) {
        let lifetime = Self.lifetime.nanoseconds
        if let key = current, now.interval(since: key.madeAt).nanoseconds >= lifetime {
            previous = key
            current = nil
        }
        if let key = previous, now.interval(since: key.madeAt).nanoseconds >= 2 * lifetime {
            previous = nil
        }
    }
}
