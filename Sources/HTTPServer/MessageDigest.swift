import COpenSSL

/// Cryptographic digests, by the libcrypto that TLS needs anyway.
package enum MessageDigest {
    /// SHA-256 (FIPS 180-4): 32 bytes; nil without memory.
    package static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
        let input = Array(bytes)
        var digest = [UInt8](repeating: 0, count: 32)
        let isDone = EVP_Digest(input, input.count, &digest, nil, EVP_sha256(), nil) == 1
        return isDone ? digest : nil
    }
}
