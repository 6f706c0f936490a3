import ArgumentParser
import Service

/// `quiver key`: makes an API key and its line of the key file.
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an API key and its line of the key file.",
        discussion: """
            Prints the key, which is shown this once and kept nowhere, and below it the line for the \
            file that `quiver serve --api-key-file` names. With --append the line goes into the \
            file, and the key alone is printed. A running service takes the line up within a second.
            """)

    @Argument(
        help: "Name of the client; several keys may share one, which is how keys are renewed.")
    var name: String

    @Option(
        help: "Date (2027-01-31) or time (2027-01-31T12:00:00Z), UTC, from which it is refused.")
    var expires: String?

    @Option(help: "Tokens that the client may use in a minute; any number by default.")
    var tokensPerMinute: String?

    @Option(help: "interactive, or bulk for work that steps back for others.")
    var priority: String?

    @Option(help: "Key file to add the line to; made if there is none.")
    var append: String?

    @Flag(help: "Read a key that exists already from standard input, instead of making one.")
    var fromStandardInput = false

    func run() throws {
        var grant = KeyGenerator.Grant(name: name)
        grant.expires = expires
        grant.tokensPerMinute = tokensPerMinute
        grant.priority = priority
        let existing = fromStandardInput ? readLine(strippingNewline: true) ?? "" : nil
        let generated = try KeyGenerator(grant, existingKey: existing)
        if let append {
            try generated.append(to: append)
            print(generated.key)
        } else {
            print(generated.key)
            print(generated.line)
        }
    }
}
