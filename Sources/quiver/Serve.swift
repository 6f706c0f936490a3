import ArgumentParser
import Glibc
import Service

/// `quiver serve`: one flag for every setting of the service.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve embeddings over HTTP.",
        discussion: """
            Every flag is also an environment variable (--served-model-name is \
            QUIVER_SERVED_MODEL_NAME, lists with commas) and a key of the configuration file. Flags \
            win over the environment, the environment over the file, the file over the defaults. \
            SIGTERM ends the service after the work that it has admitted. SIGHUP reads certificates, \
            keys and the configuration file again: models that it lists now are loaded, others let \
            go, and no request is lost.
            """)

    @Option(help: "YAML file with settings; also QUIVER_CONFIG.")
    var config: String?

    @Option(help: summary("model"))
    var model: [String] = []

    @Option(help: summary("served-model-name"))
    var servedModelName: [String] = []

    @Option(help: summary("dtype"))
    var dtype: String?

    @Option(help: summary("kernels"))
    var kernels: String?

    @Option(help: summary("threads"))
    var threads: String?

    @Option(help: summary("truncate"))
    var truncate: String?

    @Option(help: summary("host"))
    var host: String?

    @Option(help: summary("port"))
    var port: String?

    @Option(help: summary("tls-cert"))
    var tlsCert: String?

    @Option(help: summary("tls-key"))
    var tlsKey: String?

    @Option(help: summary("tls-client-ca"))
    var tlsClientCa: String?

    @Option(help: summary("tls-identity"))
    var tlsIdentity: [String] = []

    @Option(help: summary("hsts-max-age"))
    var hstsMaxAge: String?

    @Option(help: summary("max-connections"))
    var maxConnections: String?

    @Option(help: summary("max-body-bytes"))
    var maxBodyBytes: String?

    @Option(help: summary("header-timeout"))
    var headerTimeout: String?

    @Option(help: summary("body-timeout"))
    var bodyTimeout: String?

    @Option(help: summary("idle-timeout"))
    var idleTimeout: String?

    @Option(help: summary("gzip-min-bytes"))
    var gzipMinBytes: String?

    @Option(help: summary("api-key-file"))
    var apiKeyFile: String?

    @Option(help: summary("metrics-access"))
    var metricsAccess: String?

    @Option(help: summary("metrics-listen"))
    var metricsListen: String?

    @Option(help: summary("cors-origin"))
    var corsOrigin: [String] = []

    @Option(help: summary("max-inputs"))
    var maxInputs: String?

    @Option(help: summary("batch-tokens"))
    var batchTokens: String?

    @Option(help: summary("queue-tokens"))
    var queueTokens: String?

    @Option(help: summary("queue-requests"))
    var queueRequests: String?

    @Option(help: summary("request-timeout"))
    var requestTimeout: String?

    @Option(help: summary("max-request-timeout"))
    var maxRequestTimeout: String?

    @Option(help: summary("cache-bytes"))
    var cacheBytes: String?

    @Option(help: summary("shutdown-grace"))
    var shutdownGrace: String?

    @Option(help: summary("drain-delay"))
    var drainDelay: String?

    @Option(help: summary("log-level"))
    var logLevel: String?

    @Option(help: summary("log-format"))
    var logFormat: String?

    private static func summary(_ name: String) -> ArgumentHelp {
        let setting = Setting.all.first { $0.name == name }
        return ArgumentHelp(stringLiteral: setting.map { $0.summary.capitalizedFirst + "." } ?? "")
    }

    /// What was given on the command line, by setting.
    private var flags: [String: [String]] {
        func one(_ value: String?) -> [String] { value.map { [$0] } ?? [] }
        return [
            "model": model,
            "served-model-name": servedModelName,
            "dtype": one(dtype),
            "kernels": one(kernels),
            "threads": one(threads),
            "truncate": one(truncate),
            "host": one(host),
            "port": one(port),
            "tls-cert": one(tlsCert),
            "tls-key": one(tlsKey),
            "tls-client-ca": one(tlsClientCa),
            "tls-identity": tlsIdentity,
            "hsts-max-age": one(hstsMaxAge),
            "max-connections": one(maxConnections),
            "max-body-bytes": one(maxBodyBytes),
            "header-timeout": one(headerTimeout),
            "body-timeout": one(bodyTimeout),
            "idle-timeout": one(idleTimeout),
            "gzip-min-bytes": one(gzipMinBytes),
            "api-key-file": one(apiKeyFile),
            "metrics-access": one(metricsAccess),
            "metrics-listen": one(metricsListen),
            "cors-origin": corsOrigin,
            "max-inputs": one(maxInputs),
            "batch-tokens": one(batchTokens),
            "queue-tokens": one(queueTokens),
            "queue-requests": one(queueRequests),
            "request-timeout": one(requestTimeout),
            "max-request-timeout": one(maxRequestTimeout),
            "cache-bytes": one(cacheBytes),
            "shutdown-grace": one(shutdownGrace),
            "drain-delay": one(drainDelay),
            "log-level": one(logLevel),
            "log-format": one(logFormat),
        ]
    }

    func run() throws {
        let environment = Environment.variables
        let (flags, path) = (flags, config ?? environment["QUIVER_CONFIG"])
        let read: @Sendable () throws -> ServiceConfiguration = {
            let file = try path.map(ConfigurationFile.init(at:))
            return try ServiceConfiguration.merging(
                flags: flags, environment: environment, file: file)
        }
        try ServiceRunner(read(), readAgain: read).run()
    }
}

extension String {
    fileprivate var capitalizedFirst: String {
        prefix(1).uppercased() + dropFirst()
    }
}
