import HTTPWire
import Platform
import Synchronization

/// What all loops of a server have in common.
final class ServerShared: Sendable {
    let configuration: ServerConfiguration
    let handler: any RequestHandler
    let observer: any ServerObserver
    let connectionCountMaximum: Int
    let connectionCount = Atomic(0)
    let exchangeCount = Atomic(0)
    let handshakeCount = Atomic(0)
    let isDraining = Atomic(false)
    let compressor: ResponseCompressor
    let tls: TLSContextStore?
    private let admittedBodyBytes = Atomic(0)

    init(
        configuration: ServerConfiguration, handler: any RequestHandler,
        observer: any ServerObserver, tls: TLSContextStore?
    ) {
        self.configuration = configuration
        self.handler = handler
        self.observer = observer
        self.tls = tls
        // Half of the descriptors are left to models, logs, other servers and the reserve.
        connectionCountMaximum =
            configuration.connectionCountMaximum
            ?? max(16, min(4096, FileDescriptor.openMaximum / 2 - 32))
        compressor = ResponseCompressor(label: configuration.name + "-gzip")
    }

    /// Reserves memory for request content; false when all of it is taken.
    func reserveBody(bytes: Int) -> Bool {
        let (_, total) = admittedBodyBytes.add(bytes, ordering: .relaxed)
        guard total > configuration.admittedBodyBytesMaximum else { return true }
        admittedBodyBytes.subtract(bytes, ordering: .relaxed)
        return false
    }

    func releaseBody(bytes: Int) {
        admittedBodyBytes.subtract(bytes, ordering: .relaxed)
    }
}
