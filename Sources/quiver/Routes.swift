import ArgumentParser
import Service

/// `quiver routes`: the router's table and the error codes as JSON; tests hold openapi.yaml to it.
struct Routes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print routes, statuses and error codes as JSON.", shouldDisplay: false)

    func run() {
        print(RouteTable.json)
    }
}
