import Glibc
import HTTPServer
import Platform
import Testing

struct TLSContextTests {
    private func failureToLoad(_ configuration: TLSConfiguration) -> ServerError? {
        do throws(ServerError) {
            _ = try TLSContext(configuration)
            return nil
        } catch {
            return error
        }
    }

    @Test func loadsAChainAndKnowsItsEnd() throws {
        let folder = try TestFolder()
        let root = try TestCertificate("root", .init(isAuthority: true))
        let middle = try TestCertificate(
            "middle", .init(isAuthority: true, notAfter: 86_400), issuer: root)
        let leaf = try TestCertificate("leaf", .init(names: "DNS:a.test"), issuer: middle)
        let context = try TLSContext(
            TLSConfiguration(identity: try leaf.identity("leaf", in: folder, chain: [middle])))
        #expect(context.warnings == [])
        #expect(abs(context.notAfterSeconds - Int64(time(nil)) - 86_400) < 100)
        #expect(!context.filesHaveChanged)
    }

    @Test func warnsOfWhatClientsWillNotLike() throws {
        let folder = try TestFolder()
        let root = try TestCertificate("root", .init(isAuthority: true))
        let stranger = try TestCertificate("stranger", .init(isAuthority: true))
        let expired = try TestCertificate(
            "old", .init(names: "DNS:a.test", notBefore: -864_000, notAfter: -259_300), issuer: root
        )
        let identity = try expired.identity("old", in: folder, chain: [stranger])
        let file = identity.certificateChainFile
        #expect(
            try TLSContext(TLSConfiguration(identity: identity)).warnings == [
                "\(file): certificate 1 expired 3 days ago",
                "\(file): certificate 2 did not issue the one before it",
            ])

        let early = try TestCertificate(
            "early", .init(usage: "clientAuth", notBefore: 86_000))
        let earlyIdentity = try early.identity("early", in: folder)
        let earlyFile = earlyIdentity.certificateChainFile
        #expect(
            try TLSContext(TLSConfiguration(identity: earlyIdentity)).warnings == [
                "\(earlyFile): the certificate is not valid before 1 days from now",
                "\(earlyFile): the certificate's usages exclude TLS servers",
                "\(earlyFile): the certificate names no host (subjectAltName)",
            ])
    }

    @Test func namesTheFileAndTheReason() throws {
        let folder = try TestFolder()
        let leaf = try TestCertificate("leaf", .init(names: "DNS:a.test"))
        let other = try TestCertificate("other")
        let weak = try TestCertificate("weak", .init(kind: .rsa(bits: 1024)))
        let good = try leaf.identity("leaf", in: folder)
        let foreign = try other.identity("other", in: folder)
        let small = try weak.identity("weak", in: folder)
        let encrypted = try folder.write("encrypted.key", leaf.encryptedKeyPEM)
        let damaged = try folder.write(
            "damaged.crt",
            Array(
                String(decoding: leaf.certificatePEM, as: UTF8.self)
                    .replacing("M", with: "N").utf8))
        let empty = try folder.write("empty", [])
        let missing = folder.path + "/missing"

        func identity(_ certificate: String, _ key: String) -> TLSConfiguration {
            TLSConfiguration(
                identity: .init(certificateChainFile: certificate, privateKeyFile: key))
        }
        let certificate = good.certificateChainFile
        let cases: [(TLSConfiguration, String, String)] = [
            (identity(missing, good.privateKeyFile), missing, "No such file"),
            (identity(certificate, missing), missing, "No such file"),
            (identity(folder.path, good.privateKeyFile), folder.path, "not a regular file"),
            (identity(empty, good.privateKeyFile), empty, "holds no certificate"),
            (
                identity(good.privateKeyFile, certificate), good.privateKeyFile,
                "holds no certificate"
            ),
            (identity(certificate, empty), empty, "holds no private key"),
            (identity(certificate, certificate), certificate, "holds no private key"),
            (identity(certificate, encrypted), encrypted, "is encrypted"),
            (identity(damaged, good.privateKeyFile), damaged, "is no PEM certificate"),
            (
                identity(certificate, foreign.privateKeyFile), foreign.privateKeyFile,
                "does not match the certificate in \(certificate)"
            ),
            (TLSConfiguration(identity: small), small.certificateChainFile, "key too small"),
        ]
        for (configuration, file, reason) in cases {
            let failure = try #require(failureToLoad(configuration))
            guard case .tls(let failedFile, let failedReason) = failure else {
                Issue.record("\(failure)")
                continue
            }
            #expect(failedFile == file)
            #expect(failedReason.contains(reason), "\(failedReason)")
        }

        var nameless = TLSConfiguration(identity: good)
        nameless.additionalIdentities = [foreign]
        #expect(
            failureToLoad(nameless)
                == .tls(
                    file: foreign.certificateChainFile,
                    reason: "names no host (subjectAltName) by which it could be chosen"))
        var wrongAuthority = TLSConfiguration(identity: good)
        wrongAuthority.clientAuthorityFile = certificate
        #expect(
            failureToLoad(wrongAuthority)
                == .tls(file: certificate, reason: "certificate 1 is no authority's"))
    }

    @Test func seesThatFilesHaveChanged() throws {
        let folder = try TestFolder()
        let leaf = try TestCertificate("leaf", .init(names: "DNS:a.test"))
        let identity = try leaf.identity("leaf", in: folder)
        let context = try TLSContext(TLSConfiguration(identity: identity))
        #expect(!context.filesHaveChanged)

        // As tools that renew certificates do it: a new file in place of the old one.
        let renewed = try TestCertificate("renewed", .init(names: "DNS:a.test"))
        let replacement = try folder.write("new", renewed.certificatePEM)
        rename(replacement, identity.certificateChainFile)
        #expect(context.filesHaveChanged)
        // The key is still the old one: a reload fails, and is tried again.
        #expect(failureToLoad(TLSConfiguration(identity: identity)) != nil)
        #expect(context.filesHaveChanged)

        try folder.write("leaf.key", renewed.keyPEM)
        let next = try TLSContext(TLSConfiguration(identity: identity))
        #expect(!next.filesHaveChanged)
        unlink(identity.privateKeyFile)
        #expect(next.filesHaveChanged)
    }

    @Test func seesThatALinkWasTurned() throws {
        let folder = try TestFolder()
        let first = try TestCertificate("leaf").identity("first", in: folder)
        let second = try folder.write("second.crt", [])
        let link = folder.path + "/link"
        symlink(first.certificateChainFile, link)
        let context = try TLSContext(
            TLSConfiguration(
                identity: .init(
                    certificateChainFile: link, privateKeyFile: first.privateKeyFile)))
        #expect(!context.filesHaveChanged)
        unlink(link)
        symlink(second, link)
        #expect(context.filesHaveChanged)
    }
}
