// One certificate: what the server wants to know of it. Every pointer to an X509 is in this file or
// handed out of it for a call.

import COpenSSL
import Glibc
import Platform

/// An owned reference to a parsed certificate; OpenSSL never writes to it after parsing.
final class X509Certificate: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over the caller's reference.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        X509_free(pointer)
    }

    /// The certificates in a PEM text, in order; what stands between them is passed over.
    ///
    /// - Throws: the reason, which fits after `<file>: `.
    static func parse(pem: [UInt8]) throws(OpenSSLFailure) -> [X509Certificate] {
        ERR_clear_error()
        guard let source = PEMSource(pem) else { throw OpenSSLFailure("out of memory") }
        var certificates: [X509Certificate] = []
        while let certificate = PEM_read_bio_X509(source.bio, nil, refusePassword, nil) {
            certificates.append(X509Certificate(owning: certificate))
        }
        let error = ERR_peek_last_error()
        // The end of the text shows as the lack of a further first line.
        guard ERR_GET_LIB(error) == ERR_LIB_PEM, ERR_GET_REASON(error) == PEM_R_NO_START_LINE
        else { throw OpenSSLFailure("is no PEM certificate: " + OpenSSLErrors.reason()) }
        ERR_clear_error()
        guard !certificates.isEmpty else {
            throw OpenSSLFailure("holds no certificate (-----BEGIN CERTIFICATE-----)")
        }
        return certificates
    }

    /// The end of the validity, in seconds since 1970 (UTC).
    var notAfterSeconds: Int64? { Self.seconds(X509_get0_notAfter(pointer)) }

    /// The begin of the validity, in seconds since 1970 (UTC).
    var notBeforeSeconds: Int64? { Self.seconds(X509_get0_notBefore(pointer)) }

    /// Whether it may sign certificates.
    var isAuthority: Bool { X509_check_ca(pointer) > 0 }

    /// Whether its key usages let it stand for a TLS server.
    var isForServers: Bool { X509_check_purpose(pointer, X509_PURPOSE_SSL_SERVER, 0) == 1 }

    /// Whether `issuer` names and usages fit it as the certificate's issuer.
    func isIssued(by issuer: X509Certificate) -> Bool {
        X509_check_issued(issuer.pointer, pointer) == X509_V_OK
    }

    /// The DNS names among the subject's alternative names; never the common name (RFC 9525 §2).
    var hostNames: [String] { names(of: [GEN_DNS]) }

    /// The DNS, e-mail and URI names among the subject's alternative names.
    var subjectNames: [String] { names(of: [GEN_DNS, GEN_EMAIL, GEN_URI]) }

    private func names(of kinds: [Int32]) -> [String] {
        var found = FoundNames(kinds: kinds)
        // SAFETY: `found` outlives the call, which is the only user of the pointer.
        withUnsafeMutablePointer(to: &found) { found in
            copenssl_visit_names(pointer, found) { context, kind, bytes, count in
                let found = context?.assumingMemoryBound(to: FoundNames.self)
                guard found?.pointee.kinds.contains(kind) == true, count > 0 else { return }
                let text = UnsafeBufferPointer(start: bytes, count: Int(count))
                // A NUL or a control byte would let one name pass for another in C or in a log.
                guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else { return }
                found?.pointee.names.append(String(decoding: text, as: UTF8.self))
            }
        }
        return found.names
    }

    private struct FoundNames {
        var kinds: [Int32]
        var names: [String] = []
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(timegm(&parts))
    }
}

/// Why OpenSSL refused something; `reason` fits after a file's name.
struct OpenSSLFailure: Error {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// An owned private key.
final class PrivateKey {
    let pointer: OpaquePointer

    /// - Throws: the reason, which fits after `<file>: `.
    init(pem: [UInt8]) throws(OpenSSLFailure) {
        ERR_clear_error()
        guard let source = PEMSource(pem) else { throw OpenSSLFailure("out of memory") }
        guard let pointer = PEM_read_bio_PrivateKey(source.bio, nil, refusePassword, nil) else {
            defer { ERR_clear_error() }
            let text = String(decoding: pem, as: UTF8.self)
            guard text.contains("PRIVATE KEY-----") else {
                throw OpenSSLFailure("holds no private key (-----BEGIN PRIVATE KEY-----)")
            }
            guard !text.contains("ENCRYPTED") else {
                throw OpenSSLFailure("is encrypted; the server takes no password")
            }
            throw OpenSSLFailure("is no PEM private key: " + OpenSSLErrors.reason())
        }
        self.pointer = pointer
    }

    deinit {
        EVP_PKEY_free(pointer)
    }
}

/// A PEM text as OpenSSL reads it; the copy is erased.
private final class PEMSource {
    let bio: OpaquePointer
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init?(_ pem: [UInt8]) {
        guard let count = Int32(exactly: pem.count) else { return nil }
        bytes = .allocate(capacity: max(pem.count, 1))
        _ = bytes.initialize(from: pem)
        guard let bio = BIO_new_mem_buf(bytes.baseAddress, count) else {
            bytes.deallocate()
            return nil
        }
        self.bio = bio
    }

    deinit {
        BIO_free(bio)
        OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }
}

/// OpenSSL would ask on the terminal for the password of an encrypted key, and wait.
private func refusePassword(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 {
    -1
}
