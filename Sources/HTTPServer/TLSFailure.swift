import COpenSSL

/// Why a TLS connection cannot go on.
package enum TLSFailure: Error, Hashable, Sendable {
    /// No connection came about.
    case handshake(HandshakeFailure, reason: String)
    /// The peer's bytes ended without close_notify (RFC 8446 §6.1): something may be missing.
    case truncated
    /// A record that cannot be right, or an alert from the peer.
    case broken(reason: String)
}

/// The queue of errors that OpenSSL keeps for each thread.
enum OpenSSLErrors {
    /// The oldest error's reason, in OpenSSL's words.
    static func reason() -> String {
        let code = ERR_peek_error()
        guard code != 0, let text = ERR_reason_error_string(code) else { return "unknown error" }
        return String(cString: text)
    }

    /// What the errors say about a handshake that failed.
    static func handshakeFailure() -> HandshakeFailure {
        let code = ERR_peek_error()
        guard ERR_GET_LIB(code) == ERR_LIB_SSL else { return .other }
        switch ERR_GET_REASON(code) {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return .notTLS
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH,
            SSL_R_UNKNOWN_PROTOCOL, SSL_R_WRONG_VERSION_NUMBER, SSL_R_INAPPROPRIATE_FALLBACK,
            SSL_R_NO_SHARED_CIPHER, SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_NO_SUITABLE_KEY_SHARE,
            SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_GROUPS,
            SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY,
            SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return .noCommonProtocol
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CERTIFICATE_VERIFY_FAILED,
            SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
            SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return .certificate
        default: return .other
        }
    }
}
