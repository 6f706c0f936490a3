import Batching
import HTTPServer
import HTTPWire
import Logging

/// Hears the server and the queue: counts, and writes the access log.
final class ServiceObserver: ServerObserver, BatchObserver {
    private let metrics: ServiceMetrics
    private let logger: Logger

    init(metrics: ServiceMetrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    // MARK: The server

    func connectionOpened(from peer: Peer) {
        metrics.connectionsOpened.add()
    }

    func connectionClosed(_ reason: CloseReason, bytesReceived: Int, bytesSent: Int) {
        metrics.connectionsClosed[reason]?.add()
        metrics.bytesReceived.add(bytesReceived)
        metrics.bytesSent.add(bytesSent)
    }

    func connectionRejected(_ reason: ConnectionRejection) {
        metrics.connectionsRejected[reason]?.add()
    }

    func deadlineMissed(_ kind: DeadlineKind) {
        metrics.deadlinesMissed[kind]?.add()
    }

    func requestFailed(_ failure: ProtocolFailure, from peer: Peer) {
        metrics.requestsFailed[failure.status.code]?.add()
        logger.info(
            "bad request",
            metadata: [
                "status": .stringConvertible(failure.status.code),
                "reason": .string(failure.label), "peer": .string("\(peer.address)"),
            ])
    }

    func handshakeFailed(_ reason: HandshakeFailure, from peer: Peer) {
        metrics.handshakesFailed[reason]?.add()
        logger.debug(
            "TLS handshake failed",
            metadata: ["reason": .string(reason.rawValue), "peer": .string("\(peer.address)")])
    }

    func certificateReloaded(_ outcome: CertificateReload) {
        switch outcome {
        case .loaded(let notAfter, let warnings):
            metrics.certificateNotAfter.store(Int(notAfter), ordering: .relaxed)
            for warning in warnings {
                logger.warning(
                    "clients will not accept the certificate",
                    metadata: ["reason": .string(warning)])
            }
            logger.info(
                "certificate loaded", metadata: ["not_after": .stringConvertible(Int(notAfter))])
        case .failed(let reason):
            metrics.certificateReloadsFailed.add()
            logger.error(
                "the certificate could not be loaded again; the old one stays",
                metadata: ["reason": .string(reason)])
        }
    }

    func exchangeFinished(_ record: ExchangeRecord) {
        let route = Route(path: record.head.path)
        metrics.requestFinished(
            route: route, status: record.status.code, duration: record.duration)
        // Probes and scrapes come every few seconds and say nothing when they succeed.
        let isProbe = route?.method == .get && route != .models && record.status.code == 200
        let level: Logger.Level = isProbe ? .debug : .info
        guard logger.logLevel <= level else { return }
        logger.log(level: level, "request", metadata: Self.metadata(of: record))
    }

    private static func metadata(of record: ExchangeRecord) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "method": .string(record.head.method.rawValue),
            // A path of no route may hold anything, a text or a key.
            "path": .string(Route(path: record.head.path) == nil ? "unmatched" : record.head.path),
            "status": .stringConvertible(record.status.code),
            "duration_ms": .stringConvertible(rounded(record.duration.seconds * 1000)),
            "bytes_in": .stringConvertible(record.requestBodyBytes),
            "bytes_out": .stringConvertible(record.responseBodyBytes),
            "peer": .string("\(record.peer.address)"),
        ]
        if let requester = record.requester { metadata["client"] = .string(requester) }
        if let id = record.responseFields[HeaderName.requestID] {
            metadata["request_id"] = .string(id)
        }
        if let timing = record.responseFields[HeaderName.serverTiming] {
            metadata["timing"] = .string(timing)
        }
        if let truncated = record.responseFields[HeaderName.truncatedInputs] {
            metadata["truncated"] = .string(truncated)
        }
        if record.isAbandoned { metadata["abandoned"] = .stringConvertible(true) }
        return metadata
    }

    private static func rounded(_ milliseconds: Double) -> Double {
        (milliseconds * 1000).rounded() / 1000
    }

    // MARK: The queue

    func batchStarted(worker: Int, model: ModelID, items: Int, tokens: Int) {}

    func batchFinished(_ report: BatchReport) {
        metrics.model(report.model)?.count(report)
    }

    func requestRefused(_ reason: AdmissionRefusal.Reason, model: ModelID) {
        metrics.model(model)?.rejections[reason]?.add()
    }

    func requestFinished(_ outcome: RequestOutcome, model: ModelID, timings: BatchTimings) {
        metrics.model(model)?.count(outcome, timings)
    }
}

/// Names of the header fields that the service writes itself.
package enum HeaderName {
    package static let requestID = "x-request-id"
    package static let truncatedInputs = "x-truncated-inputs"
    /// W3C Server Timing: what the milliseconds of a request went to.
    package static let serverTiming = "server-timing"
    static let retryAfter = "retry-after"
    static let allow = "allow"
    static let accept = "accept"
    static let acceptEncoding = "accept-encoding"
    static let challenge = "www-authenticate"
    /// Whether OpenAI's clients try again by themselves.
    static let shouldRetry = "x-should-retry"
    static let limitTokens = "x-ratelimit-limit-tokens"
    static let remainingTokens = "x-ratelimit-remaining-tokens"
    static let resetTokens = "x-ratelimit-reset-tokens"
}
