import Platform

extension Setting {
    /// Every setting there is, in the order of `config/quiver.yaml`.
    ///
    /// The flags of `quiver serve`, the variables, and the keys of the file are all made from this
    /// table; a test holds them together.
    package static let all: [Setting] = model + listener + access + queue + end + logs

    private static let model: [Setting] = [
        .several(
            "model",
            "folder of a Sentence-Transformers or Hugging Face model (required); again for more models"
        ) { values, configuration throws(SettingProblem) in
            if values.isEmpty || values.contains("") {
                throw SettingProblem(expected: "a text that is not empty")
            }
            configuration.modelFolders = values
            // A stronger source has its say about all models.
            configuration.modelEntries = []
        },
        .list(
            "served-model-name", \.servedModelNames,
            "names that requests may use for the model, '*' for any; by default the folder's name; with "
                + "several models one for each, in their order"),
        .choice(
            "dtype", \.dtype, of: ["auto", "float32", "bfloat16", "int8"],
            "arithmetic of the encoder: auto, float32, bfloat16 or int8"),
        .choice(
            "kernels", \.kernels,
            of: [
                "auto", "reference", "avx2", "avx512", "avx512_bf16", "avx512_vnni", "neon",
                "neon_dot", "neon_bf16", "openblas",
            ],
            "set of kernels: auto takes the best that the processor has"),
        .number(
            "threads", \.threads, orAutoIn: 1...1024,
            "compute threads: auto is the processors that the process may use"),
        .flag(
            "truncate", \.truncate,
            "whether a text over the model's maximum is cut (true) or refused with 400 (false)"),
    ]

    private static let listener: [Setting] = [
        .single("host", "address to listen on") { value, configuration throws(SettingProblem) in
            if value.isEmpty { throw SettingProblem(expected: "an IP address or host name") }
            configuration.host = value
        },
        .number("port", \.port, in: 0...65535, "port to listen on; 0 takes a free one"),
        .text("tls-cert", \.tlsCertificate, "PEM file of the certificate chain; makes it HTTPS"),
        .text("tls-key", \.tlsKey, "PEM file of the certificate's private key"),
        .text(
            "tls-client-ca", \.tlsClientAuthority,
            "PEM file of authorities; clients must then show a certificate signed by one"),
        .several(
            "tls-identity",
            "one more certificate with its key, as CERT:KEY, for the names in it (SNI)"
        ) { values, configuration throws(SettingProblem) in
            configuration.tlsIdentities = try values.map { value throws(SettingProblem) in
                let files = value.split(separator: ":", omittingEmptySubsequences: false)
                guard files.count == 2, !files[0].isEmpty, !files[1].isEmpty else {
                    throw SettingProblem(expected: "two PEM files with a colon between, CERT:KEY")
                }
                return TLSIdentityFiles(certificate: String(files[0]), key: String(files[1]))
            }
        },
        .number(
            "hsts-max-age", \.strictTransportSeconds, in: 0...63_072_000,
            "seconds for which browsers are to use HTTPS alone for this host's name; 0 says nothing"
        ),
        .number(
            "max-connections", \.connectionsMaximum, orAutoIn: 1...1_000_000,
            "open connections: auto derives it from the limit on file descriptors"),
        .number(
            "max-body-bytes", \.bodyBytesMaximum, in: 1024...1 << 30,
            "bytes of a request's body, on the wire and inflated; more is a 413"),
        .seconds(
            "header-timeout", \.headerTimeout, in: 0.1...3600,
            "seconds from a request's first byte to the end of its headers"),
        .seconds(
            "body-timeout", \.bodyTimeout, in: 0.1...3600, "seconds for a request's whole body"),
        .seconds(
            "idle-timeout", \.idleTimeout, in: 0.1...86400,
            "seconds that a connection may wait for its next request"),
        .number(
            "gzip-min-bytes", \.gzipBytesMinimum, in: 0...1 << 30,
            "bytes from which a response is compressed for a client that accepts gzip"),
    ]

    private static let access: [Setting] = [
        .text(
            "api-key-file", \.apiKeyFile,
            "file of API keys' hashes, a line each; requests then need a key"),
        .single(
            "metrics-access",
            "who may ask for /metrics here: key (as for every route), open, off or auto: off with "
                + "metrics-listen, else key"
        ) { value, configuration throws(SettingProblem) in
            guard let access = MetricsAccess(rawValue: value) else {
                throw SettingProblem(expected: "one of auto, key, open, off")
            }
            configuration.metricsAccess = access
        },
        .single(
            "metrics-listen", "address and port of a listener for metrics and health alone"
        ) { value, configuration throws(SettingProblem) in
            guard let address = SocketAddress(parsing: value) else {
                throw SettingProblem(
                    expected: "an address and a port, as in 127.0.0.1:9090 or [::1]:9090")
            }
            configuration.metricsListen = address
        },
        .several(
            "cors-origin", "origin of web pages that may call the service"
        ) { values, configuration throws(SettingProblem) in
            guard !values.isEmpty, values.allSatisfy(CORSPolicy.isOrigin) else {
                throw SettingProblem(
                    expected: "origins as browsers send them, as in https://app.example.com or "
                        + "http://localhost:3000: lower case, no path, no standard port, no '*'")
            }
            configuration.corsOrigins = values
        },
    ]

    private static let queue: [Setting] = [
        .number(
            "max-inputs", \.inputsMaximum, in: 1...65536,
            "texts in one request; more is a 400. OpenAI's limit is 2048"),
        .number(
            "batch-tokens", \.batchTokens, orAutoIn: 1...1 << 20,
            "tokens of one batch on one thread: auto measures how many fill the processor"),
        .number(
            "queue-tokens", \.queueTokens, in: 1...1 << 30,
            "tokens that may wait; a request that does not fit is refused as a whole"),
        .number(
            "queue-requests", \.queueRequests, in: 1...1 << 24, "requests that may wait"),
        .seconds(
            "request-timeout", \.requestTimeout, in: 0...86400,
            "seconds for the answer to a request that names none itself; 0 for no limit"),
        .seconds(
            "max-request-timeout", \.requestTimeoutMaximum, in: 0.001...86400,
            "seconds at most that a request may name in X-Request-Timeout-Ms"),
        .number(
            "cache-bytes", \.cacheBytes, in: 0...1 << 40,
            "bytes of vectors that are kept for texts that come again; 0 for none"),
    ]

    private static let end: [Setting] = [
        .seconds(
            "shutdown-grace", \.shutdownGrace, in: 0...86400,
            "seconds after SIGTERM in which admitted work may finish"),
        .seconds(
            "drain-delay", \.drainDelay, in: 0...3600,
            "seconds after SIGTERM in which new connections are still taken"),
    ]

    private static let logs: [Setting] = [
        .choice(
            "log-level", \.logLevel, of: ["debug", "info", "warning", "error"],
            "least level that is logged: debug, info, warning or error"),
        .choice(
            "log-format", \.logFormat, of: ["auto", "text", "json"],
            "text, json, or auto: text on a terminal, JSON otherwise"),
    ]
}
