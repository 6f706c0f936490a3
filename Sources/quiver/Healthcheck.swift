import ArgumentParser
import Glibc
import Service

/// `quiver healthcheck`: for a container's HEALTHCHECK, where there is no curl.
struct Healthcheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running service whether it is ready; exit code 0 or 1.")

    @Argument(help: "URL to ask, in cleartext HTTP.")
    var url = "http://127.0.0.1:8080/health/ready"

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 2.0

    func run() throws {
        let outcome = try HealthProbe(url: url, timeoutSeconds: timeout).ask()
        print(outcome.message)
        if !outcome.isHealthy { Glibc.exit(1) }
    }
}
