// What OpenSSL asks during a handshake: the certificate for a name, the protocol, a ticket's key.

import COpenSSL
import Platform

extension TLSContext {
    /// `http/1.1` as a list of protocol names with lengths (RFC 7301 §3.1).
    private static let protocols: [UInt8] = [8] + Array("http/1.1".utf8)

    /// Tells OpenSSL whom to ask.
    ///
    /// SAFETY: the contexts point back without a reference. They are used only by connections, and
    /// each ``TLSEngine`` holds the `TLSContext` for as long as it has its connection.
    func installCallbacks() {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        for context in contexts {
            SSL_CTX_set_ex_data(context, 0, pointer)
            copenssl_set_server_name_callback(context) { connection, _, _ in
                TLSContext.of(connection)?.chooseIdentity(connection) ?? SSL_TLSEXT_ERR_NOACK
            }
            SSL_CTX_set_alpn_select_cb(
                context,
                { _, chosen, chosenCount, offered, offeredCount, _ in
                    guard let chosen, let chosenCount else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                    return TLSContext.chooseProtocol(
                        &chosen.pointee, &chosenCount.pointee, offered, offeredCount)
                }, nil)
            SSL_CTX_set_tlsext_ticket_key_evp_cb(context) {
                connection, name, iv, cipher, mac, seals in
                guard let owner = TLSContext.of(connection), let name, let iv, let cipher, let mac
                else { return -1 }
                return seals == 1
                    ? owner.sealTicket(name, iv, cipher, mac)
                    : owner.openTicket(name, iv, cipher, mac)
            }
        }
    }

    private static func of(_ connection: OpaquePointer?) -> TLSContext? {
        guard let connection, let context = SSL_get_SSL_CTX(connection),
            let pointer = SSL_CTX_get_ex_data(context, 0)
        else { return nil }
        return Unmanaged<TLSContext>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Server name indication: an unknown name is served with the default certificate.
    private func chooseIdentity(_ connection: OpaquePointer?) -> Int32 {
        guard let name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name),
            let index = names.index(for: String(cString: name))
        else { return SSL_TLSEXT_ERR_NOACK }
        if index > 0, SSL_set_SSL_CTX(connection, contexts[index]) == nil {
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        return SSL_TLSEXT_ERR_OK
    }

    /// Answers `no_application_protocol` to a client that offers others alone (RFC 7301 §3.2).
    private static func chooseProtocol(
        _ chosen: inout UnsafePointer<UInt8>?, _ chosenCount: inout UInt8,
        _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32
    ) -> Int32 {
        // The choice points into the client's list, which OpenSSL keeps until it has copied it.
        let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
        var start = 0
        while start < list.count {
            let end = start + 1 + Int(list[start])
            guard end <= list.count else { break }
            if list[start..<end].elementsEqual(protocols) {
                chosen = offered.map { $0 + start + 1 }
                chosenCount = list[start]
                return SSL_TLSEXT_ERR_OK
            }
            start = end
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }

    /// 1 when the ticket can be sealed, 0 when there shall be none (SSL_CTX_set_tlsext_ticket_key_cb(3)).
    private func sealTicket(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer, _ mac: OpaquePointer
    ) -> Int32 {
        let key = ticketKeys.withLock { $0.sealingKey(at: .now) }
        guard let key, RAND_bytes(iv, 16) == 1 else { return 0 }
        name.update(from: key.name, count: TLSTicketKey.nameBytes)
        return key.arm(cipher, mac, iv: iv, seals: true) ? 1 : -1
    }

    /// 1 when the ticket can be opened, 2 when it shall be renewed too, 0 for a full handshake.
    private func openTicket(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer, _ mac: OpaquePointer
    ) -> Int32 {
        let found = ticketKeys.withLock { $0.openingKey(named: name, at: .now) }
        guard let (key, isCurrent) = found else { return 0 }
        guard key.arm(cipher, mac, iv: iv, seals: false) else { return -1 }
        return isCurrent ? 1 : 2
    }
}
