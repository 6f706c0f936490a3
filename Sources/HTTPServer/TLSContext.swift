// The certificates and the profile that connections are accepted with.

import COpenSSL
import Glibc
import Platform

/// Certificates, keys and settings of a TLS server, loaded and checked; it never changes.
///
/// The profile is Mozilla's "intermediate", version 6.0: TLS 1.2 and 1.3, forward secrecy and AEAD
/// only. Its suites are all strong, so it leaves their order to the client; here AES-128 comes first,
/// the cheapest, unless the client puts ChaCha20 first, as those without AES instructions do.
/// Renegotiation, compression and early data are off.
/// Certificates are renewed by making another context; engines keep the one they began with.
package final class TLSContext: @unchecked Sendable {
    // @unchecked: SSL_CTX counts its references atomically and is only read after `init`.

    /// When the first of the certificates expires, in seconds since 1970 (UTC).
    package let notAfterSeconds: Int64
    /// What is wrong with the certificates and does not prevent a start, one line each.
    package let warnings: [String]

    /// One for each identity, the default's first.
    let contexts: [OpaquePointer]
    let names: ServerNames
    let ticketKeys = Locked(TLSTicketKeyRing())
    let engineBIOMethod: OpaquePointer
    private let stamps: [String: FileStamp]

    /// Loads all files.
    ///
    /// - Throws: ``ServerError/tls(file:reason:)``.
    package init(_ configuration: TLSConfiguration) throws(ServerError) {
        // Before the reading: a file that is changed meanwhile is seen as changed afterwards.
        stamps = Self.stamps(of: configuration)
        let files = [configuration.identity] + configuration.additionalIdentities
        var identities: [TLSIdentity] = []
        for file in files { identities.append(try TLSIdentity(file)) }
        for (file, identity) in zip(files, identities).dropFirst()
        where identity.chain[0].hostNames.isEmpty {
            throw .tls(
                file: file.certificateChainFile,
                reason: "names no host (subjectAltName) by which it could be chosen")
        }
        var authorities: [X509Certificate] = []
        if let file = configuration.clientAuthorityFile {
            authorities = try Self.loadAuthorities(file)
        }
        guard let method = TLSEngine.makeBIOMethod() else {
            throw .system(call: "BIO_meth_new", reason: "out of memory")
        }
        engineBIOMethod = method

        var names = ServerNames()
        var contexts: [OpaquePointer] = []
        do throws(ServerError) {
            for (index, identity) in identities.enumerated() {
                guard let context = SSL_CTX_new(TLS_server_method()) else {
                    throw .system(call: "SSL_CTX_new", reason: OpenSSLErrors.reason())
                }
                contexts.append(context)
                try Self.applyProfile(to: context)
                try identity.install(in: context)
                Self.requireClientCertificates(of: authorities, in: context)
                names.add(identity.chain[0].hostNames, index: index)
            }
        } catch {
            for context in contexts { SSL_CTX_free(context) }
            BIO_meth_free(method)
            throw error
        }
        self.names = names
        self.contexts = contexts
        notAfterSeconds = identities.map(\.notAfterSeconds).min() ?? 0
        let now = Int64(time(nil))
        warnings = identities.flatMap { $0.warnings(atSeconds: now) }
        installCallbacks()
    }

    deinit {
        for context in contexts { SSL_CTX_free(context) }
        BIO_meth_free(engineBIOMethod)
    }

    /// Whether a file has changed, appeared or gone since it was loaded; looks only at its status.
    package var filesHaveChanged: Bool {
        stamps.contains { FileStamp($0.key) != $0.value }
    }

    private static func stamps(of configuration: TLSConfiguration) -> [String: FileStamp] {
        var stamps: [String: FileStamp] = [:]
        for identity in [configuration.identity] + configuration.additionalIdentities {
            for file in [identity.certificateChainFile, identity.privateKeyFile] {
                stamps[file] = FileStamp(file)
            }
        }
        if let file = configuration.clientAuthorityFile { stamps[file] = FileStamp(file) }
        return stamps
    }

    private static func loadAuthorities(_ file: String) throws(ServerError) -> [X509Certificate] {
        let authorities = try TLSIdentity.load(file, X509Certificate.parse(pem:))
        for (index, authority) in authorities.enumerated() where !authority.isAuthority {
            throw .tls(file: file, reason: "certificate \(index + 1) is no authority's")
        }
        return authorities
    }

    /// https://wiki.mozilla.org/Security/Server_Side_TLS, guidelines 6.0, "intermediate".
    private static func applyProfile(to context: OpaquePointer) throws(ServerError) {
        ERR_clear_error()
        copenssl_set_server_options(context)
        // 112 bits: RSA and Diffie-Hellman from 2048 bits, no SHA-1 signatures.
        SSL_CTX_set_security_level(context, 2)
        SSL_CTX_set_max_early_data(context, 0)
        SSL_CTX_set_timeout(context, 7200)
        let suites = [
            "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
        ]
        // Tickets are bound to this name: a session of another program is not resumed.
        let name = Array("quiver".utf8)
        guard copenssl_set_protocols(context, TLS1_2_VERSION, TLS1_3_VERSION) == 1,
            SSL_CTX_set_cipher_list(context, suites.joined(separator: ":")) == 1,
            SSL_CTX_set_ciphersuites(
                context,
                "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1,
            // The hybrid group is known from OpenSSL 3.5 on.
            copenssl_set_groups(context, "X25519MLKEM768:X25519:P-256:P-384") == 1
                || copenssl_set_groups(context, "X25519:P-256:P-384") == 1,
            SSL_CTX_set_session_id_context(context, name, UInt32(name.count)) == 1
        else { throw .system(call: "SSL_CTX", reason: OpenSSLErrors.reason()) }
        ERR_clear_error()
    }

    private static func requireClientCertificates(
        of authorities: [X509Certificate], in context: OpaquePointer
    ) {
        guard !authorities.isEmpty else { return }
        let store = SSL_CTX_get_cert_store(context)
        for authority in authorities {
            X509_STORE_add_cert(store, authority.pointer)
            SSL_CTX_add_client_CA(context, authority.pointer)
        }
        // Each authority in the file is trusted by itself, also one that another has certified.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_verify_depth(context, 3)
    }
}
