import ArgumentParser
import Glibc
import Service

/// `quiver healthcheck`: for a container's HEALTHCHECK, where there is no curl.
struct Healthcheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running service whether it is ready; exit code 0 or 1.")

    @Argument(help: "URL to ask, http or https.")
    var url = "http://127.0.0.1:8080/health/ready"

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 2.0

    @Option(help: "PEM file of the authorities that may have signed the server's certificate.")
    var ca: String?

    @Flag(help: "Accept any certificate; for a check of the same machine.")
    var insecure = false

    func run() throws {
        // OpenSSL writes without a flag against it.
        signal(SIGPIPE, SIG_IGN)
        let outcome = try HealthProbe(
            url: url, timeoutSeconds: timeout, authorityFile: ca, verifies: !insecure
        ).ask()
        print(outcome.message)
        if !outcome.isHealthy { Glibc.exit(1) }
    }
}
