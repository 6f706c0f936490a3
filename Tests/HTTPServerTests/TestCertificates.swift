// Certificates for the tests, made afresh by libcrypto: none of them can expire in the repository.

import COpenSSL
import Glibc
import HTTPServer

/// Why a certificate or a file could not be made.
struct TestCertificateError: Error {
    var step: String
}

/// A temporary folder that goes with the value.
final class TestFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/quiver-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestCertificateError(step: "mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { unlink(path + "/" + name) }
        }
        closedir(folder)
        rmdir(path)
    }

    /// Writes a file as a whole and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        guard let stream = fopen(file, "w") else { throw TestCertificateError(step: "fopen") }
        defer { fclose(stream) }
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else {
            throw TestCertificateError(step: "fwrite")
        }
        return file
    }
}

/// A certificate and its key.
final class TestCertificate {
    let certificate: OpaquePointer
    let key: OpaquePointer

    enum Kind: Sendable {
        case elliptic
        case rsa(bits: Int32)
    }

    struct Options: Sendable {
        var names = ""
        var isAuthority = false
        var usage: String?
        var kind = Kind.elliptic
        /// Seconds from now.
        var notBefore = -3600
        var notAfter = 90 * 86_400
    }

    /// A certificate for the common name `name`, signed by `issuer` or by itself.
    init(_ name: String, _ options: Options = Options(), issuer: TestCertificate? = nil) throws {
        key = try Self.makeKey(options.kind)
        guard let certificate = X509_new() else { throw TestCertificateError(step: "X509_new") }
        self.certificate = certificate
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set_int64(
            X509_get_serialNumber(certificate), Int64.random(in: 1...Int64.max))
        X509_gmtime_adj(X509_getm_notBefore(certificate), options.notBefore)
        X509_gmtime_adj(X509_getm_notAfter(certificate), options.notAfter)
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(certificate), "CN", Int32(MBSTRING_UTF8), name, -1, -1, 0)
        X509_set_issuer_name(
            certificate, X509_get_subject_name(issuer?.certificate ?? certificate))
        X509_set_pubkey(certificate, key)
        try add(NID_basic_constraints, options.isAuthority ? "critical,CA:TRUE" : "CA:FALSE")
        if !options.names.isEmpty { try add(NID_subject_alt_name, options.names) }
        if let usage = options.usage { try add(NID_ext_key_usage, usage) }
        guard X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else {
            throw TestCertificateError(step: "X509_sign")
        }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    var certificatePEM: [UInt8] {
        Self.text { PEM_write_bio_X509($0, certificate) }
    }

    var keyPEM: [UInt8] {
        Self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    var encryptedKeyPEM: [UInt8] {
        let password = Array("secret".utf8)
        return Self.text {
            PEM_write_bio_PrivateKey(
                $0, key, EVP_aes_128_cbc(), password, Int32(password.count), nil, nil)
        }
    }

    /// Writes chain and key into `folder`.
    func identity(
        _ name: String, in folder: TestFolder, chain: [TestCertificate] = []
    ) throws -> TLSConfiguration.Identity {
        TLSConfiguration.Identity(
            certificateChainFile: try folder.write(
                name + ".crt", certificatePEM + chain.flatMap(\.certificatePEM)),
            privateKeyFile: try folder.write(name + ".key", keyPEM))
    }

    private func add(_ kind: Int32, _ value: String) throws {
        guard let field = X509V3_EXT_conf_nid(nil, nil, kind, value) else {
            throw TestCertificateError(step: value)
        }
        X509_add_ext(certificate, field, -1)
        X509_EXTENSION_free(field)
    }

    private static func makeKey(_ kind: Kind) throws -> OpaquePointer {
        let id: Int32
        switch kind {
        case .elliptic: id = EVP_PKEY_EC
        case .rsa: id = EVP_PKEY_RSA
        }
        guard let context = EVP_PKEY_CTX_new_id(id, nil) else {
            throw TestCertificateError(step: "EVP_PKEY_CTX_new_id")
        }
        defer { EVP_PKEY_CTX_free(context) }
        EVP_PKEY_keygen_init(context)
        switch kind {
        case .elliptic: EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
        case .rsa(let bits): EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits)
        }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen(context, &key) == 1, let key else {
            throw TestCertificateError(step: "EVP_PKEY_keygen")
        }
        return key
    }

    private static func text(_ write: (OpaquePointer?) -> Int32) -> [UInt8] {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { return [] }
        return readAll(bio)
    }
}

/// All bytes that wait in a memory BIO.
func readAll(_ bio: OpaquePointer?) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = BIO_read(bio, &chunk, Int32(chunk.count))
        guard count > 0 else { return bytes }
        bytes += chunk[..<Int(count)]
    }
}
