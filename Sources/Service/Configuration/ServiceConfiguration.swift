import Platform

/// Everything that an operator can set, after flags, environment, file and defaults were merged.
package struct ServiceConfiguration: Sendable {
    // MARK: The model
    /// Folders of models, all served with the same settings; empty when there are entries.
    package var modelFolders: [String] = []
    /// Models with settings of their own; empty when there are folders.
    package var modelEntries: [ModelEntry] = []
    package var servedModelNames: [String] = []
    package var dtype = "auto"
    package var kernels = "auto"
    package var threads: Int?
    package var truncate = true

    // MARK: The listener
    package var host = "127.0.0.1"
    package var port = 8080
    package var connectionsMaximum: Int?
    package var bodyBytesMaximum = 32 << 20
    package var headerTimeout = TimeSpan.seconds(10)
    package var bodyTimeout = TimeSpan.seconds(60)
    package var idleTimeout = TimeSpan.seconds(60)
    package var gzipBytesMinimum = 4096
    package var tlsCertificate: String?
    package var tlsKey: String?
    package var tlsClientAuthority: String?
    package var tlsIdentities: [TLSIdentityFiles] = []
    package var strictTransportSeconds = 0

    // MARK: Access
    package var apiKeyFile: String?
    package var metricsAccess = MetricsAccess.auto
    package var metricsListen: SocketAddress?
    package var corsOrigins: [String] = []

    /// What `metricsAccess` comes to: a listener of their own takes the metrics away from this one.
    package var metricsAccessInForce: MetricsAccess {
        guard metricsAccess == .auto else { return metricsAccess }
        return metricsListen == nil ? .key : .off
    }

    // MARK: The queue
    package var inputsMaximum = 2048
    /// nil measures at the start which size fills the processor.
    package var batchTokens: Int?
    package var queueTokens = 1 << 21
    package var queueRequests = 4096
    /// Of requests that name none; zero for none.
    package var requestTimeout = TimeSpan.zero
    package var requestTimeoutMaximum = TimeSpan.seconds(600)
    package var cacheBytes = 0

    // MARK: The end
    package var shutdownGrace = TimeSpan.seconds(30)
    package var drainDelay = TimeSpan.zero

    // MARK: Logs
    package var logLevel = "info"
    package var logFormat = "auto"

    /// The values that were given, by setting, from the strongest source.
    package var given: [String: [String]] = [:]

    package init() {}

    /// Relations between settings that no single one can check.
    package func validate() throws(ConfigurationError) {
        try validateModels()
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ConfigurationError(
                "tls-cert and tls-key belong together: set both, or neither for cleartext")
        }
        if tlsClientAuthority != nil && tlsCertificate == nil {
            throw ConfigurationError("tls-client-ca needs tls-cert and tls-key")
        }
        if strictTransportSeconds > 0 && tlsCertificate == nil {
            throw ConfigurationError("hsts-max-age needs tls-cert and tls-key")
        }
        if !tlsIdentities.isEmpty && tlsCertificate == nil {
            throw ConfigurationError(
                "tls-identity needs tls-cert and tls-key, for clients that name no server")
        }
        if let batchTokens, queueTokens < batchTokens {
            throw ConfigurationError(
                "queue-tokens (\(queueTokens)) must be at least batch-tokens (\(batchTokens)): "
                    + "a full batch has to fit the queue")
        }
        if requestTimeout > requestTimeoutMaximum {
            throw ConfigurationError(
                "request-timeout must not be longer than max-request-timeout, which cuts it")
        }
        if drainDelay > shutdownGrace {
            throw ConfigurationError(
                "drain-delay must not be longer than shutdown-grace, which it is a part of")
        }
    }
}

/// Who may ask the service's own listener for `/metrics`.
package enum MetricsAccess: String, CaseIterable, Sendable {
    /// `key`, or `off` when the metrics have a listener of their own.
    case auto
    /// Who has a key, when keys are asked for.
    case key
    case open
    /// Nobody: the path does not exist.
    case off
}

/// A certificate and its key, both PEM files.
package struct TLSIdentityFiles: Hashable, Sendable {
    package var certificate: String
    package var key: String
}

/// A setting that cannot be used: one line that says which, why, and what would be right.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}
