// One TLS connection as a filter between bytes: it knows no socket, no clock, and no HTTP.

import COpenSSL

/// The server's side of one TLS connection.
///
/// Whoever has the socket gives the engine what arrives, takes the plaintext, gives it plaintext, and
/// sends what is pending: after every call, also after one that throws, for an alert may be there.
///
/// - Thread: one at a time; OpenSSL's errors are the calling thread's.
package final class TLSEngine {
    /// Plaintext is not taken while so many bytes of ciphertext wait to be sent.
    package static let pendingBytesMaximum = 64 << 10

    /// Whether the handshake is complete.
    package private(set) var isEstablished = false
    /// Whether the peer has said that it sends no more (close_notify); it may still be written to.
    package private(set) var hasReceivedCloseNotify = false

    /// A record's plaintext at most (RFC 8446 §5.1).
    private static let recordBytesMaximum = 16 << 10
    /// Nothing that a peer can ask for without taking the answers makes more pending than this.
    private static let pendingBytesLimit = 4 * pendingBytesMaximum

    private let context: TLSContext
    private let connection: OpaquePointer
    private var failure: TLSFailure?
    private var hasSentCloseNotify = false
    /// The first bytes from the peer, at most three: they show whether it speaks TLS at all.
    private var firstBytes: [UInt8] = []
    /// What `receive` was given and OpenSSL has not taken yet; empty outside of that call.
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var pending: [UInt8] = []
    private var pendingStart = 0

    /// - Throws: ``ServerError/system(call:reason:)`` when there is no memory.
    package init(_ context: TLSContext) throws(ServerError) {
        ERR_clear_error()
        guard let connection = SSL_new(context.contexts[0]) else {
            throw .system(call: "SSL_new", reason: OpenSSLErrors.reason())
        }
        self.context = context
        self.connection = connection
        guard let bio = BIO_new(context.engineBIOMethod) else {
            SSL_free(connection)
            throw .system(call: "BIO_new", reason: OpenSSLErrors.reason())
        }
        // SAFETY: the BIO belongs to `connection`, which `deinit` frees: it never outlives `self`.
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        // One BIO for both directions needs one reference (SSL_set_bio(3)).
        SSL_set_bio(connection, bio, bio)
        SSL_set_accept_state(connection)
    }

    deinit {
        SSL_free(connection)
    }

    // MARK: Input

    /// Takes all of `ciphertext`: goes on with the handshake, and appends plaintext to `plaintext`.
    ///
    /// What is appended is at most the ciphertext's length and one record more, so who does not read
    /// from the socket bounds the memory. Bytes after close_notify are dropped.
    package func receive(
        _ ciphertext: Span<UInt8>, into plaintext: inout [UInt8]
    ) throws(TLSFailure) {
        if let failure { throw failure }
        try ciphertext.withUnsafeBytes { (bytes) throws(TLSFailure) in
            if firstBytes.count < 3 { firstBytes += bytes.prefix(3 - firstBytes.count) }
            // SAFETY: the pointer is forgotten before `bytes` ends.
            input = bytes
            defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
            try advanceHandshake()
            if isEstablished { try read(into: &plaintext) }
        }
        guard pendingCiphertextCount <= Self.pendingBytesLimit else {
            throw fail(.broken(reason: "too much to answer"))
        }
    }

    /// Tells the engine that the peer's bytes have ended (FIN).
    ///
    /// - Throws: when they ended too early: in the handshake, or without close_notify. A client that
    ///   is between requests or waits for its response may be forgiven the latter: HTTP's own
    ///   framing has shown that nothing is missing.
    package func endOfCiphertext() throws(TLSFailure) {
        if let failure { throw failure }
        guard isEstablished else {
            throw fail(.handshake(.disconnected, reason: "connection ended"))
        }
        guard hasReceivedCloseNotify else { throw .truncated }
    }

    private func advanceHandshake() throws(TLSFailure) {
        guard !isEstablished else { return }
        ERR_clear_error()
        let result = SSL_do_handshake(connection)
        if result == 1 {
            isEstablished = true
            return
        }
        guard SSL_get_error(connection, result) != SSL_ERROR_WANT_READ else { return }
        let reason = speaksTLS ? OpenSSLErrors.handshakeFailure() : .notTLS
        throw fail(.handshake(reason, reason: OpenSSLErrors.reason()))
    }

    private func read(into plaintext: inout [UInt8]) throws(TLSFailure) {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.recordBytesMaximum) {
            (buffer) throws(TLSFailure) in
            while !hasReceivedCloseNotify {
                var count = 0
                ERR_clear_error()
                let result = SSL_read_ex(connection, buffer.baseAddress, buffer.count, &count)
                if result == 1 {
                    plaintext.append(contentsOf: buffer[..<count])
                    continue
                }
                switch SSL_get_error(connection, result) {
                case SSL_ERROR_WANT_READ: return
                case SSL_ERROR_ZERO_RETURN: hasReceivedCloseNotify = true
                default: throw fail(.broken(reason: OpenSSLErrors.reason()))
                }
            }
        }
    }

    /// A record that begins a handshake, or the ClientHello of SSL 2 in which one may be wrapped.
    private var speaksTLS: Bool {
        guard let first = firstBytes.first else { return true }
        if first == 0x16 { return firstBytes.count < 2 || firstBytes[1] == 3 }
        return first & 0x80 != 0 && (firstBytes.count < 3 || firstBytes[2] == 1)
    }

    // MARK: Output

    /// Encrypts as much of `plaintext` as may wait to be sent, and returns how much that was.
    ///
    /// Before the handshake is complete, and after ``close()``, nothing is taken.
    package func write(_ plaintext: Span<UInt8>) throws(TLSFailure) -> Int {
        if let failure { throw failure }
        let count = min(plaintext.count, room)
        guard count > 0 else { return 0 }
        ERR_clear_error()
        var written = 0
        let result = plaintext.withUnsafeBytes { bytes in
            SSL_write_ex(connection, bytes.baseAddress, count, &written)
        }
        guard result == 1 else { throw fail(.broken(reason: OpenSSLErrors.reason())) }
        return written
    }

    /// How many bytes ``write(_:)`` takes now.
    package var room: Int {
        guard isEstablished, !hasSentCloseNotify else { return 0 }
        return max(0, Self.pendingBytesMaximum - pendingCiphertextCount)
    }

    /// Says that no more will be written (close_notify), once; without a connection it does nothing.
    package func close() {
        guard isEstablished, failure == nil, !hasSentCloseNotify else { return }
        hasSentCloseNotify = true
        ERR_clear_error()
        // 0 says that the peer's own has not come yet, which nobody waits for here.
        SSL_shutdown(connection)
    }

    /// How many bytes wait to be sent.
    package var pendingCiphertextCount: Int { pending.count - pendingStart }

    /// Has `send` send the pending bytes from an index on; how many it returns are dropped.
    package func sendCiphertext(_ send: (_ bytes: [UInt8], _ start: Int) -> Int) {
        guard pendingCiphertextCount > 0 else { return }
        let count = send(pending, pendingStart)
        precondition((0...pendingCiphertextCount).contains(count))
        pendingStart += count
        if pendingStart == pending.count {
            // An idle connection keeps no buffer.
            pending = []
            pendingStart = 0
        } else if pendingStart >= Self.pendingBytesMaximum {
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
    }

    // MARK: The peer

    /// The DNS, e-mail and URI names in the client's verified certificate; empty without one.
    package var peerCertificateNames: [String] {
        guard isEstablished, let certificate = SSL_get1_peer_certificate(connection) else {
            return []
        }
        return X509Certificate(owning: certificate).subjectNames
    }

    /// The version and the suite that were agreed on, such as `TLSv1.3 TLS_AES_128_GCM_SHA256`.
    package var parameters: String? {
        guard isEstablished, let version = SSL_get_version(connection),
            let cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(connection))
        else { return nil }
        return String(cString: version) + " " + String(cString: cipher)
    }

    /// Whether the session was resumed by a ticket.
    package var isResumed: Bool { SSL_session_reused(connection) == 1 }

    private func fail(_ failure: TLSFailure) -> TLSFailure {
        self.failure = failure
        return failure
    }
}

// MARK: The BIO under the connection

extension TLSEngine {
    /// The functions by which OpenSSL reads the engine's input and adds to what is pending.
    static func makeBIOMethod() -> OpaquePointer? {
        guard let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "engine") else {
            return nil
        }
        BIO_meth_set_create(method) { bio in
            BIO_set_init(bio, 1)
            return 1
        }
        BIO_meth_set_read_ex(method) { bio, buffer, capacity, count in
            guard let engine = TLSEngine.of(bio), let buffer, let count else { return 0 }
            copenssl_clear_retry(bio)
            count.pointee = engine.takeInput(
                UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
            if count.pointee == 0 { copenssl_set_retry_read(bio) }
            return count.pointee == 0 ? 0 : 1
        }
        BIO_meth_set_write_ex(method) { bio, bytes, byteCount, count in
            guard let engine = TLSEngine.of(bio), let bytes, let count else { return 0 }
            copenssl_clear_retry(bio)
            engine.pending += UnsafeRawBufferPointer(start: bytes, count: byteCount)
            count.pointee = byteCount
            return 1
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }

    private static func of(_ bio: OpaquePointer?) -> TLSEngine? {
        guard let bio, let pointer = BIO_get_data(bio) else { return nil }
        return Unmanaged<TLSEngine>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func takeInput(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, input.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input.prefix(count)))
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(count))
        return count
    }
}
