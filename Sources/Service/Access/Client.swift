import Batching
import HTTPServer

/// Who sends a request: what fairness, quotas, and the log go by.
package enum Client: Hashable, Sendable {
    /// The name of an API key, never the key.
    case key(String)
    /// The first name in a verified client certificate.
    case certificate(String)
    /// The numeric address of somebody who has shown neither; all behind one proxy share it.
    case address(String)

    /// Who the other end of a connection is without an API key.
    package init(_ peer: Peer) {
        if let name = peer.certificateNames.first {
            self = .certificate(name)
        } else {
            self = .address(peer.address.host)
        }
    }

    /// The name of a key or certificate; nil for an address, which the log has anyway.
    package var name: String? {
        switch self {
        case .key(let name), .certificate(let name): name
        case .address: nil
        }
    }

    /// The client's share of the queue.
    ///
    /// Hashed with the process's random seed, so that nobody can choose to share with another.
    package var share: ClientKey {
        var hasher = Hasher()
        hash(into: &hasher)
        let value = UInt64(bitPattern: Int64(hasher.finalize()))
        return value == ClientKey.anonymous.value ? ClientKey(1) : ClientKey(value)
    }
}
