import COpenSSL
import HTTPServer
import Platform
import Testing

/// A folder with an authority, and a server that it has certified.
private struct Server {
    let folder: TestFolder
    let authority: TestCertificate
    var configuration: TLSConfiguration

    init(kind: TestCertificate.Kind = .elliptic) throws {
        folder = try TestFolder()
        authority = try TestCertificate("authority", .init(isAuthority: true))
        let leaf = try TestCertificate(
            "default", .init(names: "DNS:default.test", kind: kind), issuer: authority)
        configuration = TLSConfiguration(identity: try leaf.identity("default", in: folder))
    }

    func pair(_ options: TestTLSClient.Options = .init()) throws -> TestTLSPair {
        try TestTLSPair(TLSContext(configuration), options)
    }
}

/// Spans do not pass through the macros of the tests.
private func write(_ bytes: [UInt8], to engine: TLSEngine) throws -> Int {
    try engine.write(bytes.span)
}

private let http1: [UInt8] = [8] + Array("http/1.1".utf8)
private let http2: [UInt8] = [2] + Array("h2".utf8)

struct TLSEngineTests {
    struct Connection: Sendable {
        var version: Int32
        var pieceBytes: Int
        var usesRSA = false
    }

    static let connections = [
        Connection(version: TLS1_3_VERSION, pieceBytes: .max),
        Connection(version: TLS1_3_VERSION, pieceBytes: 1),
        Connection(version: TLS1_3_VERSION, pieceBytes: 1000, usesRSA: true),
        Connection(version: TLS1_2_VERSION, pieceBytes: .max),
        Connection(version: TLS1_2_VERSION, pieceBytes: 1),
        Connection(version: TLS1_2_VERSION, pieceBytes: 1000, usesRSA: true),
    ]

    @Test(arguments: connections)
    func carriesBytesBothWays(_ setting: Connection) throws {
        let server = try Server(kind: setting.usesRSA ? .rsa(bits: 2048) : .elliptic)
        let pair = try server.pair(
            .init(
                authority: server.authority, serverName: "default.test", protocols: http1,
                versionMaximum: setting.version))
        pair.pieceBytes = setting.pieceBytes
        pair.exchange()
        #expect(pair.client.isEstablished && pair.engine.isEstablished)
        #expect(pair.failure == nil && pair.client.failure == nil)
        #expect(pair.client.chosenProtocol == "http/1.1")
        #expect(pair.engine.peerCertificateNames == [])
        let isNew = setting.version == TLS1_3_VERSION
        #expect(
            pair.engine.parameters?.hasPrefix(isNew ? "TLSv1.3 TLS_" : "TLSv1.2 ECDHE-") == true)

        let request = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 2) }
        for start in stride(from: 0, to: request.count, by: 30_000) {
            pair.client.write(Array(request[start..<min(start + 30_000, request.count)]))
            pair.exchange()
        }
        #expect(pair.received == request)
        let answer = request.reversed() + request
        pair.write(Array(answer))
        pair.exchange()
        #expect(pair.answered == Array(answer))

        pair.client.close()
        pair.exchange()
        #expect(pair.engine.hasReceivedCloseNotify)
        // The client has half closed and can still be answered.
        pair.write([1, 2, 3])
        pair.engine.close()
        pair.engine.close()
        pair.exchange()
        #expect(pair.failure == nil)
        pair.endInput()
        #expect(pair.failure == nil)
    }

    @Test func readsRecordsOfOneByte() throws {
        let pair = try Server().pair()
        pair.exchange()
        let request = Array("POST /v1/embeddings HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for byte in request { pair.client.write([byte]) }
        pair.exchange()
        #expect(pair.received == request)
    }

    @Test func takesNoMoreThanMayWait() throws {
        let pair = try Server().pair()
        let content = [UInt8](repeating: 7, count: 1 << 20)
        #expect(try write(content, to: pair.engine) == 0, "before the handshake")
        pair.exchange()
        let taken = try write(content, to: pair.engine)
        #expect(taken == TLSEngine.pendingBytesMaximum)
        #expect(try write(content, to: pair.engine) == 0)
        let pending = pair.engine.pendingCiphertextCount
        #expect(pending >= taken && pending < taken + 1024)

        // Sent piece by piece, it stays in order.
        var sent: [UInt8] = []
        var total = taken
        while sent.count < 5 << 20, pair.engine.pendingCiphertextCount > 0 {
            pair.engine.sendCiphertext { bytes, start in
                let piece = bytes[start...].prefix(50_001)
                sent += piece
                return piece.count
            }
            let rest = [UInt8](repeating: 7, count: min(20_000, content.count - total))
            total += try write(rest, to: pair.engine)
        }
        #expect(total == content.count)
        #expect(pair.client.receive(sent) == content)
    }

    @Test func closeNotifyReachesTheClient() throws {
        let pair = try Server().pair()
        pair.engine.close()
        #expect(pair.engine.pendingCiphertextCount == 0, "nothing to close yet")
        pair.exchange()
        pair.engine.close()
        pair.exchange()
        #expect(pair.client.isClosed)
        #expect(try write([1], to: pair.engine) == 0)
    }

    @Test func tellsATruncation() throws {
        let pair = try Server().pair()
        pair.exchange()
        pair.client.write([1])
        pair.exchange()
        pair.endInput()
        #expect(pair.failure == .truncated)
    }

    @Test func breaksOnAForgedRecord() throws {
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let pair = try Server().pair(.init(versionMaximum: version))
            pair.exchange()
            pair.client.write(Array("hello".utf8))
            var record = pair.client.takeOutput()
            record[record.count - 1] ^= 1
            pair.feed(record)
            guard case .broken = pair.failure else {
                Issue.record("\(String(describing: pair.failure))")
                continue
            }
            #expect(pair.received == [])
            #expect(pair.engine.pendingCiphertextCount > 0, "an alert")
            #expect(throws: TLSFailure.self) { try write([1], to: pair.engine) }
        }
    }

    @Test func refusesRenegotiation() throws {
        let pair = try Server().pair(.init(versionMaximum: TLS1_2_VERSION))
        pair.exchange()
        SSL_renegotiate(pair.client.connection)
        SSL_do_handshake(pair.client.connection)
        pair.exchange()
        #expect(pair.client.failure == "no renegotiation")
    }

    @Test func answersKeyUpdates() throws {
        let pair = try Server().pair()
        pair.exchange()
        for round in UInt8(0)..<20 {
            SSL_key_update(pair.client.connection, SSL_KEY_UPDATE_REQUESTED)
            pair.client.write([round])
            pair.exchange()
            pair.write([round])
        }
        pair.exchange()
        #expect(pair.received == Array(0..<20) && pair.answered == Array(0..<20))
    }
}

struct TLSHandshakeTests {
    private func reason(_ pair: TestTLSPair) -> HandshakeFailure? {
        guard case .handshake(let reason, _) = pair.failure else { return nil }
        return reason
    }

    @Test func sendsAnAlertForAnUnknownProtocol() throws {
        let pair = try Server().pair(.init(protocols: http2))
        pair.exchange()
        #expect(reason(pair) == .noCommonProtocol)
        #expect(pair.client.failure == "tlsv1 alert no application protocol")
        #expect(!pair.engine.isEstablished)
    }

    @Test func choosesHTTP1AmongOthers() throws {
        for protocols in [http2 + http1, http1 + http2, http1] {
            let pair = try Server().pair(.init(protocols: protocols))
            pair.exchange()
            #expect(pair.client.chosenProtocol == "http/1.1")
        }
        let pair = try Server().pair()
        pair.exchange()
        #expect(pair.engine.isEstablished && pair.client.chosenProtocol == "")
    }

    @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
    func refusesOldVersions(version: Int32) throws {
        let pair = try Server().pair(.init(versionMaximum: version))
        pair.exchange()
        #expect(reason(pair) == .noCommonProtocol)
        #expect(pair.client.failure == "tlsv1 alert protocol version")
    }

    @Test(arguments: [
        "AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-CCM",
    ])
    func refusesOtherSuites(suite: String) throws {
        let pair = try Server().pair(.init(versionMaximum: TLS1_2_VERSION, suites: suite))
        pair.exchange()
        #expect(reason(pair) == .noCommonProtocol)
    }

    @Test func recognisesWhatIsNotTLS() throws {
        let openings = [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
            "\0\0\0\0\0\0\0\0\0\0\0\0",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n",
            "\u{16}garbage garbage garbage",
        ]
        for opening in openings {
            for pieceBytes in [1, Int.max] {
                let pair = try Server().pair()
                pair.pieceBytes = pieceBytes
                pair.feed(Array(opening.utf8))
                #expect(reason(pair) == .notTLS, "\(opening)")
            }
        }
    }

    @Test func survivesAHelloCutAnywhere() throws {
        let server = try Server()
        let context = try TLSContext(server.configuration)
        let client = try TestTLSClient()
        _ = client.receive([])
        let hello = client.takeOutput()
        for count in 0..<hello.count {
            let pair = try TestTLSPair(context)
            pair.feed(Array(hello.prefix(count)))
            #expect(pair.failure == nil)
            pair.endInput()
            #expect(reason(pair) == .disconnected)
        }
    }

    @Test(arguments: 0..<100)
    func survivesAnAlteredHello(seed: Int) throws {
        let client = try TestTLSClient(.init(serverName: "default.test", protocols: http1))
        _ = client.receive([])
        var hello = client.takeOutput()
        hello[(seed &* 7919) % hello.count] ^= UInt8(1 << (seed % 8))
        let pair = try Server().pair()
        pair.feed(hello)
        #expect(!pair.engine.isEstablished)
        #expect(pair.received == [])
    }

    @Test func choosesTheCertificateByName() throws {
        var server = try Server()
        for (name, names) in [
            ("exact", "DNS:a.test,DNS:B.Test"), ("wild", "DNS:*.a.test,DNS:default.test"),
        ] {
            let leaf = try TestCertificate(name, .init(names: names), issuer: server.authority)
            server.configuration.additionalIdentities.append(
                try leaf.identity(name, in: server.folder))
        }
        let context = try TLSContext(server.configuration)
        let expected: [(String?, String)] = [
            (nil, "default"), ("default.test", "default"), ("unknown.test", "default"),
            ("a.test", "exact"), ("A.TEST", "exact"), ("b.test", "exact"), ("a.test.", "exact"),
            ("x.a.test", "wild"), ("x.y.a.test", "default"), (".a.test", "default"),
        ]
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            for (name, certificate) in expected {
                let pair = try TestTLSPair(
                    context,
                    .init(
                        authority: server.authority, serverName: name, protocols: http1,
                        versionMaximum: version))
                pair.exchange()
                #expect(pair.engine.isEstablished)
                #expect(pair.client.serverCommonName == certificate, "\(name ?? "none")")
                #expect(pair.client.chosenProtocol == "http/1.1")
            }
        }
    }

    @Test func aReloadLeavesOldConnectionsAlone() throws {
        let server = try Server()
        let old = try server.pair()
        old.exchange()
        let renewed = try TestCertificate(
            "renewed", .init(names: "DNS:default.test"), issuer: server.authority)
        _ = try renewed.identity("default", in: server.folder)
        let new = try server.pair()
        new.exchange()
        #expect(old.client.serverCommonName == "default")
        #expect(new.client.serverCommonName == "renewed")
        for pair in [old, new] {
            pair.client.write([1, 2])
            pair.write([3, 4])
            pair.exchange()
            #expect(pair.received == [1, 2] && pair.answered == [3, 4])
        }
    }
}

struct TLSClientCertificateTests {
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func requiresACertificateOfTheAuthority(version: Int32) throws {
        var server = try Server()
        let clients = try TestCertificate("clients", .init(isAuthority: true))
        server.configuration.clientAuthorityFile = try server.folder.write(
            "clients.crt", clients.certificatePEM)
        let names = "DNS:one.test,email:me@one.test,URI:spiffe://one.test/x,IP:10.0.0.1"
        let good = try TestCertificate("common", .init(names: names), issuer: clients)
        let strange = try TestCertificate("common", .init(names: names), issuer: server.authority)
        let expired = try TestCertificate(
            "common", .init(names: names, notBefore: -7200, notAfter: -3600), issuer: clients)
        let forServers = try TestCertificate(
            "common", .init(names: names, usage: "serverAuth"), issuer: clients)

        let pair = try server.pair(.init(identity: good, versionMaximum: version))
        pair.exchange()
        #expect(pair.engine.isEstablished)
        #expect(
            pair.engine.peerCertificateNames
                == ["one.test", "me@one.test", "spiffe://one.test/x"])
        for identity in [nil, strange, expired, forServers] {
            let pair = try server.pair(.init(identity: identity, versionMaximum: version))
            pair.exchange()
            guard case .handshake(.certificate, _) = pair.failure else {
                Issue.record("\(String(describing: pair.failure))")
                continue
            }
            #expect(!pair.engine.isEstablished)
            #expect(pair.client.failure != nil, "an alert")
        }
    }

    @Test func tellsThatTheClientRefusesTheServer() throws {
        let other = try TestCertificate("other", .init(isAuthority: true))
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let pair = try Server().pair(.init(authority: other, versionMaximum: version))
            pair.exchange()
            guard case .handshake(.certificate, _) = pair.failure else {
                Issue.record("\(String(describing: pair.failure))")
                continue
            }
        }
    }

    @Test func namesWithControlBytesAreLeftOut() throws {
        var server = try Server()
        let clients = try TestCertificate("clients", .init(isAuthority: true))
        server.configuration.clientAuthorityFile = try server.folder.write(
            "clients.crt", clients.certificatePEM)
        let client = try TestCertificate(
            "c", .init(names: "DNS:a b.test,DNS:good.test"), issuer: clients)
        let pair = try server.pair(.init(identity: client))
        pair.exchange()
        #expect(pair.engine.peerCertificateNames == ["good.test"])
    }
}

struct TLSSessionTests {
    @Test func ticketKeysRotateAndDie() {
        var ring = TLSTicketKeyRing()
        let hour = Int64(3600) * 1_000_000_000
        func at(_ hours: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: 7 + hours * hour) }

        /// The name of the key that seals at that hour.
        func seal(_ hours: Int64) -> [UInt8] { ring.sealingKey(at: at(hours))?.name ?? [] }
        /// Whether a key of that name opens at that hour: as the current one, the one before, or nil.
        func open(_ name: [UInt8], _ hours: Int64) -> Bool? {
            ring.openingKey(named: name, at: at(hours))?.isCurrent
        }

        let first = seal(0)
        #expect(first.count == 16)
        #expect(seal(11) == first)
        #expect(open(first, 11) == true)
        #expect(open([UInt8](repeating: 0, count: 16), 11) == nil)

        let second = seal(12)
        #expect(second != first)
        #expect(open(first, 23) == false)
        #expect(open(second, 23) == true)
        #expect(open(first, 24) == nil)
        #expect(open(second, 24) == false)
        #expect(open(second, 100) == nil)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func resumesByTicketWithinOneContext(version: Int32) throws {
        var server = try Server()
        let clients = try TestCertificate("clients", .init(isAuthority: true))
        server.configuration.clientAuthorityFile = try server.folder.write(
            "clients.crt", clients.certificatePEM)
        let client = try TestCertificate("c", .init(names: "DNS:c.test"), issuer: clients)
        let context = try TLSContext(server.configuration)
        var options = TestTLSClient.Options(
            identity: client, serverName: "default.test", versionMaximum: version)

        let first = try TestTLSPair(context, options)
        first.exchange()
        first.write([1])
        first.exchange()
        #expect(first.engine.isEstablished && !first.engine.isResumed)
        options.session = SSL_get1_session(first.client.connection)
        defer { SSL_SESSION_free(options.session) }

        let second = try TestTLSPair(context, options)
        second.exchange()
        #expect(second.engine.isResumed)
        #expect(second.engine.peerCertificateNames == ["c.test"])

        // Another context has other keys: certificates and authorities may have changed.
        let third = try TestTLSPair(try TLSContext(server.configuration), options)
        third.exchange()
        #expect(third.engine.isEstablished && !third.engine.isResumed)
    }
}
