import COpenSSL
import Glibc
import Platform

/// A certificate with its intermediates and its key, checked against each other.
struct TLSIdentity {
    /// The server's certificate, then the intermediates.
    let chain: [X509Certificate]
    let key: PrivateKey
    private let files: TLSConfiguration.Identity

    /// Larger files are no certificates.
    static let fileBytesMaximum = 1 << 20

    init(_ files: TLSConfiguration.Identity) throws(ServerError) {
        self.files = files
        let certificateFile = files.certificateChainFile
        let keyFile = files.privateKeyFile
        chain = try Self.load(certificateFile, X509Certificate.parse(pem:))
        key = try Self.load(keyFile) { (pem) throws(OpenSSLFailure) in try PrivateKey(pem: pem) }
        ERR_clear_error()
        guard X509_check_private_key(chain[0].pointer, key.pointer) == 1 else {
            throw .tls(
                file: keyFile, reason: "does not match the certificate in \(certificateFile)")
        }
    }

    /// Reads `file` and makes something of it, or names the file in the error.
    static func load<Value>(
        _ file: String, _ make: ([UInt8]) throws(OpenSSLFailure) -> Value
    ) throws(ServerError) -> Value {
        let pem: [UInt8]
        do throws(FileError) {
            pem = try Files.contents(of: file, limit: fileBytesMaximum)
        } catch {
            throw .tls(file: file, reason: error.description)
        }
        do throws(OpenSSLFailure) {
            return try make(pem)
        } catch {
            throw .tls(file: file, reason: error.reason)
        }
    }

    /// The end of the validity of the first certificate of the chain to expire.
    var notAfterSeconds: Int64 { chain.compactMap(\.notAfterSeconds).min() ?? 0 }

    /// What clients will not like, one line each; the server starts nevertheless.
    func warnings(atSeconds now: Int64) -> [String] {
        var warnings: [String] = []
        let file = files.certificateChainFile
        for (index, certificate) in chain.enumerated() {
            let name = chain.count == 1 ? "the certificate" : "certificate \(index + 1)"
            if let end = certificate.notAfterSeconds, end < now {
                warnings.append("\(file): \(name) expired \((now - end) / 86_400) days ago")
            }
            if let start = certificate.notBeforeSeconds, start > now {
                let days = (start - now + 86_399) / 86_400
                warnings.append("\(file): \(name) is not valid before \(days) days from now")
            }
            if index > 0, !chain[index - 1].isIssued(by: certificate) {
                warnings.append("\(file): \(name) did not issue the one before it")
            }
        }
        if !chain[0].isForServers {
            warnings.append("\(file): the certificate's usages exclude TLS servers")
        }
        if chain[0].hostNames.isEmpty {
            warnings.append("\(file): the certificate names no host (subjectAltName)")
        }
        return warnings
    }

    /// Puts the identity into a context.
    func install(in context: OpaquePointer) throws(ServerError) {
        ERR_clear_error()
        guard SSL_CTX_use_certificate(context, chain[0].pointer) == 1 else {
            throw .tls(file: files.certificateChainFile, reason: OpenSSLErrors.reason())
        }
        for certificate in chain.dropFirst() {
            guard copenssl_add_chain_certificate(context, certificate.pointer) == 1 else {
                throw .tls(file: files.certificateChainFile, reason: OpenSSLErrors.reason())
            }
        }
        guard SSL_CTX_use_PrivateKey(context, key.pointer) == 1 else {
            throw .tls(file: files.privateKeyFile, reason: OpenSSLErrors.reason())
        }
    }
}
