import COpenSSL

/// One exchange as a TLS client over a connected, blocking socket: what a health check needs.
package struct TLSProbe {
    /// The server's name or address, as the certificate must have it.
    package var serverName: String
    /// PEM file of the authorities to trust; nil takes the system's.
    package var authorityFile: String?
    /// False accepts any certificate, as for a check of one's own loopback address.
    package var verifies = true

    package init(serverName: String) {
        self.serverName = serverName
    }

    /// Sends `request` and reads until `count` bytes have come or the other side has ended.
    ///
    /// The socket's own timeouts bound every step.
    ///
    /// - Throws: ``ServerError``, one line that says what failed.
    package func exchange(
        over descriptor: Int32, _ request: [UInt8], count: Int
    ) throws(ServerError) -> [UInt8] {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw ServerError.system(call: "SSL_CTX_new", reason: "out of memory")
        }
        defer { SSL_CTX_free(context) }
        try trust(context)
        guard let connection = SSL_new(context) else {
            throw ServerError.system(call: "SSL_new", reason: "out of memory")
        }
        defer { SSL_free(connection) }
        guard expectName(connection), SSL_set_fd(connection, descriptor) == 1 else {
            throw ServerError.system(call: "TLS", reason: "cannot be set up for '\(serverName)'")
        }
        guard SSL_connect(connection) == 1 else {
            throw ServerError.system(call: "TLS", reason: reason(connection))
        }
        guard SSL_write(connection, request, Int32(clamping: request.count)) > 0 else {
            throw ServerError.system(call: "TLS", reason: "the connection was closed")
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: count)
        while answer.count < count {
            let got = SSL_read(connection, &chunk, Int32(clamping: count - answer.count))
            guard got > 0 else { break }
            answer.append(contentsOf: chunk.prefix(Int(got)))
        }
        return answer
    }

    private func trust(_ context: OpaquePointer) throws(ServerError) {
        guard verifies else { return }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        guard let authorityFile else {
            SSL_CTX_set_default_verify_paths(context)
            return
        }
        guard SSL_CTX_load_verify_locations(context, authorityFile, nil) == 1 else {
            throw ServerError.tls(file: authorityFile, reason: "has no certificate to trust")
        }
    }

    /// A name is sent (SNI) and must be in the certificate; an address must be in it alone.
    private func expectName(_ connection: OpaquePointer) -> Bool {
        let isAddress =
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), serverName) == 1
        ERR_clear_error()
        guard !isAddress else { return true }
        return SSL_set1_host(connection, serverName) == 1
            && copenssl_set_server_name(connection, serverName) == 1
    }

    private func reason(_ connection: OpaquePointer) -> String {
        let result = SSL_get_verify_result(connection)
        guard verifies, result != X509_V_OK else { return "the handshake failed" }
        return "the certificate: " + String(cString: X509_verify_cert_error_string(result))
    }
}
