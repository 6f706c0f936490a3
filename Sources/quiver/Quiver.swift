import ArgumentParser
import Glibc
import Service

/// The program: its commands, and what a failure looks like on the command line.
@main
struct Quiver: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quiver",
        abstract: "Contextual text embeddings over HTTP, on the CPU.",
        version: BuildInformation.version,
        subcommands: [
            Serve.self, Embed.self, Bench.self, Inspect.self, Healthcheck.self, Key.self,
            Routes.self,
        ])

    /// Runs the command; every unusable command line or input ends with one line and exit code 2.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as StartError {
            fail(error.description)
        } catch let error as ConfigurationError {
            fail(error.description)
        } catch {
            let code = exitCode(for: error)
            guard !code.isSuccess else { exit(withError: error) }
            let message = fullMessage(for: error)
            if !message.isEmpty { StandardStream.error(message + "\n") }
            Glibc.exit(ExitStatus.unusable)
        }
    }

    private static func fail(_ message: String) -> Never {
        StandardStream.error("quiver: \(message)\n")
        Glibc.exit(ExitStatus.unusable)
    }
}
