// The other side of the engine: a client made of OpenSSL and two memory BIOs.

import COpenSSL
import HTTPServer

/// A TLS client in memory.
final class TestTLSClient {
    struct Options {
        /// The authority whose servers are trusted; nil trusts all.
        var authority: TestCertificate?
        var identity: TestCertificate?
        var serverName: String?
        /// Protocol names with their lengths.
        var protocols: [UInt8] = []
        var versionMaximum = TLS1_3_VERSION
        var versionMinimum = TLS1_VERSION
        var suites: String?
        /// A session of an earlier connection.
        var session: OpaquePointer?
    }

    let connection: OpaquePointer
    private let context: OpaquePointer
    private let input: OpaquePointer?
    private let output: OpaquePointer?
    private(set) var isEstablished = false
    /// The reason of OpenSSL's first error.
    private(set) var failure: String?
    private(set) var isClosed = false

    init(_ options: Options = Options()) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TestCertificateError(step: "SSL_CTX_new")
        }
        self.context = context
        // Level 0 lets the client offer what the server shall refuse.
        SSL_CTX_set_security_level(context, 0)
        _ = copenssl_set_protocols(context, options.versionMinimum, options.versionMaximum)
        if let suites = options.suites { SSL_CTX_set_cipher_list(context, suites) }
        if let authority = options.authority {
            X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        }
        if let identity = options.identity {
            SSL_CTX_use_certificate(context, identity.certificate)
            SSL_CTX_use_PrivateKey(context, identity.key)
        }
        guard let connection = SSL_new(context) else {
            throw TestCertificateError(step: "SSL_new")
        }
        self.connection = connection
        if !options.protocols.isEmpty {
            SSL_set_alpn_protos(connection, options.protocols, UInt32(options.protocols.count))
        }
        if let name = options.serverName { _ = copenssl_set_server_name(connection, name) }
        if let session = options.session { SSL_set_session(connection, session) }
        input = BIO_new(BIO_s_mem())
        output = BIO_new(BIO_s_mem())
        SSL_set_bio(connection, input, output)
        SSL_set_connect_state(connection)
    }

    deinit {
        SSL_free(connection)
        SSL_CTX_free(context)
    }

    /// Takes the server's bytes, goes on with the handshake, and returns the plaintext in them.
    func receive(_ bytes: [UInt8]) -> [UInt8] {
        if !bytes.isEmpty { BIO_write(input, bytes, Int32(bytes.count)) }
        guard failure == nil else { return [] }
        ERR_clear_error()
        if !isEstablished {
            let result = SSL_do_handshake(connection)
            guard result == 1 else {
                note(SSL_get_error(connection, result))
                return []
            }
            isEstablished = true
        }
        var plaintext: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            ERR_clear_error()
            let count = SSL_read(connection, &chunk, Int32(chunk.count))
            guard count > 0 else {
                note(SSL_get_error(connection, count))
                return plaintext
            }
            plaintext += chunk[..<Int(count)]
        }
    }

    private func note(_ error: Int32) {
        switch error {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: isClosed = true
        default:
            failure = ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? ""
        }
    }

    /// Writes one record for each call.
    func write(_ plaintext: [UInt8]) {
        ERR_clear_error()
        SSL_write(connection, plaintext, Int32(plaintext.count))
    }

    func close() { SSL_shutdown(connection) }

    /// The bytes for the server.
    func takeOutput() -> [UInt8] { readAll(output) }

    /// The common name in the server's certificate.
    var serverCommonName: String? {
        guard let certificate = SSL_get1_peer_certificate(connection) else { return nil }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 100)
        X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The protocol that was agreed on.
    var chosenProtocol: String {
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(connection, &bytes, &count)
        return String(
            decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }
}

/// A client and an engine that pass their bytes to each other.
final class TestTLSPair {
    let client: TestTLSClient
    let engine: TLSEngine
    /// Bytes passed in one piece.
    var pieceBytes = Int.max
    private(set) var failure: TLSFailure?
    /// What each side has read.
    private(set) var received: [UInt8] = []
    private(set) var answered: [UInt8] = []

    init(_ context: TLSContext, _ options: TestTLSClient.Options = .init()) throws {
        client = try TestTLSClient(options)
        engine = try TLSEngine(context)
    }

    /// Passes bytes both ways until neither side has more to say.
    func exchange() {
        answered += client.receive([])
        while true {
            let request = client.takeOutput()
            feed(request)
            let answer = engine.takePending()
            for piece in pieces(answer) { answered += client.receive(piece) }
            if request.isEmpty && answer.isEmpty { return }
        }
    }

    /// Gives the engine bytes in pieces.
    func feed(_ bytes: [UInt8]) {
        for piece in pieces(bytes) {
            do throws(TLSFailure) {
                try engine.receive(piece.span, into: &received)
            } catch {
                failure = failure ?? error
            }
        }
    }

    func write(_ bytes: [UInt8]) {
        var rest = bytes
        while !rest.isEmpty {
            do throws(TLSFailure) {
                rest.removeFirst(try engine.write(rest.span))
            } catch {
                failure = failure ?? error
                return
            }
            exchange()
        }
    }

    func endInput() {
        do throws(TLSFailure) {
            try engine.endOfCiphertext()
        } catch {
            failure = failure ?? error
        }
    }

    private func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
        guard pieceBytes < bytes.count else { return bytes.isEmpty ? [] : [bytes] }
        return stride(from: 0, to: bytes.count, by: pieceBytes).map {
            Array(bytes[$0..<min($0 + pieceBytes, bytes.count)])
        }
    }
}

extension TLSEngine {
    /// Takes everything that is pending.
    func takePending() -> [UInt8] {
        var bytes: [UInt8] = []
        sendCiphertext { pending, start in
            bytes = Array(pending[start...])
            return bytes.count
        }
        return bytes
    }
}
