import HTTPWire
import Platform

/// Everything that can be chosen about a server; the defaults are meant for the open internet.
package struct ServerConfiguration: Sendable {
    /// A numeric address or a name; a name is resolved once, at start.
    package var host = "127.0.0.1"
    /// 0 lets the system choose; `Server.address` has the choice.
    package var port: UInt16 = 8080
    /// Threads that serve connections.
    package var loopCount = 1
    package var limits = HTTPLimits()
    package var deadlines = ServerDeadlines()
    /// Open connections; nil takes 4096 or what the descriptor limit allows, whichever is less.
    package var connectionCountMaximum: Int?
    /// Connections in a TLS handshake at once.
    package var handshakeCountMaximum = 256
    /// Request content in memory at once, over all connections; beyond it 503.
    package var admittedBodyBytesMaximum = 256 << 20
    /// Requests on one connection before it is closed.
    package var requestsPerConnectionMaximum = 10_000
    /// Pipelined bytes kept while a response is awaited; then reading stops.
    package var pipelinedBytesMaximum = 64 << 10
    /// Content smaller than this is not compressed; nil never compresses.
    package var compressionBytesMinimum: Int? = 16 << 10
    /// Inflated bytes per byte on the wire, beyond the first MiB; above it 413.
    package var inflationRatioMaximum = 100
    package var tls: TLSConfiguration?
    /// Appears in the names of the loops' threads: `<name>-loop-0`.
    package var name = "http"

    package init() {}
}

/// One deadline for each state of a connection.
package struct ServerDeadlines: Hashable, Sendable {
    /// From accept to the end of the TLS handshake.
    package var handshake = TimeSpan.seconds(5)
    /// From a request's first byte (of the first request: from accept) to the end of its head: absolute.
    package var head = TimeSpan.seconds(10)
    /// Between requests.
    package var idle = TimeSpan.seconds(60)
    /// From the end of the head to the end of the content: absolute.
    package var body = TimeSpan.seconds(60)
    /// How long a transfer in either direction may be slower than `bytesPerSecondMinimum`.
    package var rateGrace = TimeSpan.seconds(5)
    /// The slowest transfer of content that is borne after the grace, averaged from its start.
    package var bytesPerSecondMinimum = 1024
    /// After the last response, for a client that is still sending.
    package var linger = TimeSpan.seconds(2)
    /// What is read and dropped from a client that is still sending, before the connection is cut.
    package var lingerBytesMaximum = 64 << 20

    package init() {}
}

/// Certificates and keys, all PEM files.
package struct TLSConfiguration: Hashable, Sendable {
    package struct Identity: Hashable, Sendable {
        /// The server's certificate, then its intermediates.
        package var certificateChainFile: String
        package var privateKeyFile: String

        package init(certificateChainFile: String, privateKeyFile: String) {
            self.certificateChainFile = certificateChainFile
            self.privateKeyFile = privateKeyFile
        }
    }

    /// What a client is told when it names no server, or one that no other certificate is for.
    package var identity: Identity
    /// More certificates; each answers to the DNS names in it (SNI, RFC 6066 §3).
    package var additionalIdentities: [Identity] = []
    /// Authorities whose client certificates are accepted; nil asks clients for none.
    package var clientAuthorityFile: String?
    /// For how long clients are told to use TLS alone for this host's name (RFC 6797); nil says nothing.
    package var strictTransportSeconds: Int?
    /// How often the files' times and inodes are looked at.
    package var reloadInterval = TimeSpan.seconds(60)

    package init(identity: Identity) {
        self.identity = identity
    }
}
