import Platform

/// Certificates and settings (to come).
final class TLSContextStore: Sendable {
    init(_ configuration: TLSConfiguration) throws(ServerError) {
        throw .tls(file: configuration.identity.certificateChainFile, reason: "not there yet")
    }

    func makeEngine() -> TLSFilter { TLSFilter() }
    func reload() -> CertificateReload { .failed("") }
}

final class TLSFilter {
    var hasOutput: Bool { false }
    func closeNotify() {}
}

extension LoopCore {
    func decrypt(_ connection: Connection, _ count: Int) {}
    func flushEncrypted(_ connection: Connection) {}
    func sendEncrypted(_ connection: Connection) {}
    func failHandshake(_ connection: Connection, _ reason: HandshakeFailure) {}
    func endHandshake(_ connection: Connection) {}
}
