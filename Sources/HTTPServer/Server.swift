package import Platform

/// An HTTP/1.1 server: a listener and the loops that serve its connections.
package final class Server: Sendable {
    package let configuration: ServerConfiguration
    private let handler: any RequestHandler
    private let observer: any ServerObserver

    /// Checks the configuration and loads the certificates; opens no socket yet.
    package init(
        configuration: ServerConfiguration, handler: any RequestHandler,
        observer: any ServerObserver = SilentObserver()
    ) throws(ServerError) {
        self.configuration = configuration
        self.handler = handler
        self.observer = observer
    }

    /// Binds, listens, and returns when connections can be made; serves until closed.
    package func start() throws(ServerError) {
        throw .system(call: "start", reason: "not there yet")
    }

    /// Where the server listens; with port 0 in the configuration, the port that the system chose.
    package var address: SocketAddress {
        SocketAddress(host: configuration.host, port: configuration.port)
    }

    /// How many connections are open.
    package var connectionCount: Int { 0 }

    /// How many requests have been admitted and not yet answered in full.
    package var exchangeCount: Int { 0 }

    /// From now on answers with `Connection: close`, while still accepting.
    package func beginDrain() {}

    /// Closes the listening socket and the idle connections; those with a request go on.
    package func stopListening() {}

    /// Stops listening, waits up to `grace` for the exchanges in hand, cuts what is left, and calls
    /// `completion` with the number of exchanges that were cut, on some thread.
    package func close(after grace: TimeSpan, completion: @escaping @Sendable (Int) -> Void) {
        completion(0)
    }

    /// Loads the certificate files again, now; a failure keeps the old ones and tells the observer.
    package func reloadCertificates() {}
}
