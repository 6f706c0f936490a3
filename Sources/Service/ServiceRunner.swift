import Dispatch
import Glibc
import HTTPServer
import Logging
import Platform
import Synchronization

/// Runs the service from its configuration to its exit: start, signals, drain.
package final class ServiceRunner: Sendable {
    private let configuration: ServiceConfiguration
    private let service: Service
    private let models: ModelReload
    private let observer: ServiceObserver
    private let server: Server
    /// The metrics' own listener, if there is one.
    private let operations: Server?
    private let logger: Logger
    private let logSink: LogSink
    /// Signals, timers and the steps of the end, one at a time.
    private let control = DispatchQueue(label: "quiver.control")
    private let signalsReceived = Atomic<Int>(0)

    /// Checks the configuration and makes everything; nothing listens yet.
    ///
    /// - Parameter readAgain: the configuration as it is when the service is to look at it anew.
    /// - Throws: ``StartError``, one line for the operator.
    package init(
        _ configuration: ServiceConfiguration,
        readAgain: @escaping @Sendable () throws -> ServiceConfiguration
    ) throws(StartError) {
        do {
            try configuration.validate()
        } catch {
            throw StartError(error.description)
        }
        self.configuration = configuration
        logSink = LogSink(descriptor: STDERR_FILENO)
        logger = Self.makeLogger(configuration, logSink)
        let metrics = ServiceMetrics()
        observer = ServiceObserver(metrics: metrics, logger: logger)
        service = Service(
            configuration: configuration,
            access: try AccessControl(
                keyFile: configuration.apiKeyFile, metrics: metrics.access),
            metrics: metrics, logger: logger, logSink: logSink)
        models = ModelReload(
            service: service, observer: observer, logger: logger, readAgain: readAgain)
        do {
            server = try Server(
                configuration: Self.serverConfiguration(configuration), handler: service,
                observer: observer)
            operations =
                if let address = configuration.metricsListen {
                    try Server(
                        configuration: Self.operationsConfiguration(address),
                        handler: OperationsHandler(service),
                        observer: OperationsObserver(observer: observer))
                } else {
                    nil
                }
        } catch {
            throw StartError(error.description)
        }
    }

    /// Listens, loads the models, and serves until a signal ends it; does not return.
    package func run() throws(StartError) -> Never {
        watchSignals()
        do {
            try server.start()
            try operations?.start()
        } catch {
            throw StartError(error.description)
        }
        service.server.withLock { $0 = server }
        logger.info("listening", metadata: ["url": .string(url)])
        if let operations {
            logger.info(
                "listening for metrics", metadata: ["url": .string("http://\(operations.address)")])
        }
        watchKeys()
        load()
        dispatchMain()
    }

    /// Where clients find the service.
    private var url: String {
        "\(configuration.tlsCertificate == nil ? "http" : "https")://\(server.address)"
    }

    private static func serverConfiguration(
        _ configuration: ServiceConfiguration
    ) -> ServerConfiguration {
        var server = ServerConfiguration()
        server.host = configuration.host
        server.port = UInt16(clamping: configuration.port)
        server.limits.bodyBytesMaximum = configuration.bodyBytesMaximum
        server.connectionCountMaximum = configuration.connectionsMaximum
        server.compressionBytesMinimum = configuration.gzipBytesMinimum
        server.deadlines.head = configuration.headerTimeout
        server.deadlines.body = configuration.bodyTimeout
        server.deadlines.idle = configuration.idleTimeout
        if let chain = configuration.tlsCertificate, let key = configuration.tlsKey {
            var tls = TLSConfiguration(
                identity: .init(certificateChainFile: chain, privateKeyFile: key))
            tls.additionalIdentities = configuration.tlsIdentities.map {
                .init(certificateChainFile: $0.certificate, privateKeyFile: $0.key)
            }
            tls.clientAuthorityFile = configuration.tlsClientAuthority
            if configuration.strictTransportSeconds > 0 {
                tls.strictTransportSeconds = configuration.strictTransportSeconds
            }
            server.tls = tls
        }
        server.name = "quiver"
        return server
    }

    /// A small server beside the service's, with a loop and bounds of its own.
    private static func operationsConfiguration(
        _ address: SocketAddress
    ) -> ServerConfiguration {
        var server = ServerConfiguration()
        server.host = address.host
        server.port = address.port
        server.limits.bodyBytesMaximum = 1024
        server.admittedBodyBytesMaximum = 64 << 10
        server.connectionCountMaximum = operationsConnectionsMaximum
        server.name = "metrics"
        return server
    }

    /// Enough for several scrapers and probes; descriptors for them are in the service's reserve.
    private static let operationsConnectionsMaximum = 24

    private static func makeLogger(_ configuration: ServiceConfiguration, _ sink: LogSink) -> Logger
    {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let format: StructuredLogHandler.Format =
            switch configuration.logFormat {
            case "json": .json
            case "text": .text
            default: isTerminal ? .text : .json
            }
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        return Logger(label: "quiver") { _ in
            StructuredLogHandler(format: format, level: level, sink: sink)
        }
    }

    // MARK: The models

    /// Loads on a thread of its own, so that health and metrics answer meanwhile.
    private func load() {
        _ = NamedThread(name: "quiver-load", stackBytes: 8 << 20) { [self] in
            let start = MonotonicTime.now
            do throws(StartError) {
                let served = try models.loadFirst(configuration)
                control.async { self.startTicking(served.pool) }
                logger.info(
                    "ready",
                    metadata: [
                        "url": .string(url),
                        "model": .string(served.models.map(\.setting.label).joined(separator: ",")),
                        "threads": .stringConvertible(served.pool.threads),
                        "load_ms": .stringConvertible(
                            Int(MonotonicTime.now.interval(since: start).nanoseconds / 1_000_000)),
                    ])
            } catch {
                logSink.flush()
                StandardStream.error("quiver: \(error)\n")
                exit(ExitStatus.unusable)
            }
        }
    }

    /// Lets the queue see deadlines that pass while all threads are in long batches.
    private func startTicking(_ pool: ComputePool) {
        let timer = DispatchSource.makeTimerSource(queue: control)
        timer.schedule(deadline: .now() + 0.1, repeating: 0.1, leeway: .milliseconds(50))
        // The handler holds its source on purpose: both live as long as the process.
        timer.setEventHandler { withExtendedLifetime(timer) { pool.scheduler.tick() } }
        timer.resume()
    }

    // MARK: The end

    private func watchSignals() {
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: control)
            // The handler holds its source on purpose: both live as long as the process.
            source.setEventHandler { [self] in
                withExtendedLifetime(source) { receive(number) }
            }
            // Until Dispatch listens for it the signal would be lost, and who reads "listening" may send it.
            let registered = Semaphore()
            source.setRegistrationHandler { registered.signal() }
            source.resume()
            registered.wait()
        }
    }

    private func receive(_ number: Int32) {
        if number == SIGHUP {
            reload()
        } else {
            end(on: number)
        }
    }

    /// Reads again everything that may change while the service runs.
    ///
    /// Each part by itself keeps what it has when the new state cannot be used.
    private func reload() {
        server.reloadCertificates()
        service.reloadKeys()
        models.reload()
    }

    /// Looks at the key file every second, so that a key that was taken back is soon refused.
    private func watchKeys() {
        guard configuration.apiKeyFile != nil else { return }
        let timer = DispatchSource.makeTimerSource(queue: control)
        timer.schedule(deadline: .now() + 1, repeating: 1, leeway: .milliseconds(250))
        // The handler holds its source on purpose: both live as long as the process.
        timer.setEventHandler { [self] in
            withExtendedLifetime(timer) { service.reloadKeysIfChanged() }
        }
        timer.resume()
    }

    /// The first signal drains, a second one ends the process now.
    private func end(on number: Int32) {
        guard signalsReceived.add(1, ordering: .relaxed).newValue == 1 else {
            logger.warning("second signal: ending now")
            logSink.flush()
            _exit(128 + number)
        }
        logger.info(
            "draining",
            metadata: [
                "grace_s": .stringConvertible(configuration.shutdownGrace.seconds),
                "in_flight": .stringConvertible(server.exchangeCount),
            ])
        service.beginDraining()
        server.beginDrain()
        let delay = configuration.drainDelay
        control.asyncAfter(deadline: .now() + delay.seconds) { [self] in
            finish(within: configuration.shutdownGrace.interval(after: delay))
        }
    }

    /// Takes no new work, finishes what was admitted, and exits.
    private func finish(within grace: TimeSpan) {
        service.loadedModels?.pool.scheduler.drain {}
        server.stopListening()
        server.close(after: grace) { [self] cut in
            if cut > 0 {
                logger.warning(
                    "the grace is over", metadata: ["cut": .stringConvertible(cut)])
            }
            logger.info("stopped")
            logSink.flush()
            exit(0)
        }
    }
}

extension TimeSpan {
    /// What is left of this span after `other`; not below zero.
    fileprivate func interval(after other: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: max(0, nanoseconds - other.nanoseconds))
    }
}

/// The process's exit codes.
package enum ExitStatus {
    /// The command line, the configuration or the model cannot be used.
    package static let unusable: Int32 = 2
}
