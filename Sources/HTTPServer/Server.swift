import Dispatch
import Platform

/// An HTTP/1.1 server: a listener and the loops that serve its connections.
///
/// All methods may be called from any thread.
package final class Server: Sendable {
    package let configuration: ServerConfiguration
    private let shared: ServerShared
    private let state = Locked(State())

    private struct State: Sendable {
        var loops: [EventLoop] = []
        var address: SocketAddress?
        var isClosing = false
    }

    /// Checks the configuration and loads the certificates; opens no socket yet.
    package init(
        configuration: ServerConfiguration, handler: any RequestHandler,
        observer: any ServerObserver = SilentObserver()
    ) throws(ServerError) {
        precondition(configuration.loopCount > 0)
        self.configuration = configuration
        var store: TLSContextStore?
        if let tls = configuration.tls { store = try TLSContextStore(tls) }
        shared = ServerShared(
            configuration: configuration, handler: handler, observer: observer, tls: store)
    }

    /// Binds, listens, and returns when connections can be made; serves until closed.
    ///
    /// - Precondition: it is called once.
    package func start() throws(ServerError) {
        let socket: Socket
        do {
            socket = try Socket.listen(host: configuration.host, port: configuration.port)
        } catch {
            throw ServerError(error, host: configuration.host, port: configuration.port)
        }
        let address = socket.localAddress()
        var loops: [EventLoop] = []
        for index in 0..<configuration.loopCount {
            loops.append(try EventLoop(index: index, shared: shared))
        }
        let started = loops
        state.withLock { state in
            precondition(state.loops.isEmpty, "started twice")
            state.loops = started
            state.address = address
        }
        for loop in started.dropFirst() { loop.start(listener: nil, loops: started) }
        started[0].start(listener: ListenerSocket(socket), loops: started)
        startWatchingCertificates()
    }

    /// Where the server listens; with port 0 in the configuration, the port that the system chose.
    package var address: SocketAddress {
        state.withLock { $0.address }
            ?? SocketAddress(host: configuration.host, port: configuration.port)
    }

    /// How many connections are open.
    package var connectionCount: Int { shared.connectionCount.load(ordering: .relaxed) }

    /// How many requests the handler has and has not yet answered in full.
    package var exchangeCount: Int { shared.exchangeCount.load(ordering: .relaxed) }

    /// From now on answers with `Connection: close`, while still accepting.
    package func beginDrain() {
        shared.isDraining.store(true, ordering: .relaxed)
    }

    /// Closes the listening socket and the idle connections; those with a request go on.
    package func stopListening() {
        beginDrain()
        for loop in state.withLock({ $0.loops }) { loop.post(.stopListening) }
    }

    /// Stops listening, waits up to `grace` for the exchanges in hand, and cuts what is left.
    ///
    /// `completion` gets the number of exchanges that were cut, on some thread, once.
    package func close(after grace: TimeSpan, completion: @escaping @Sendable (Int) -> Void) {
        beginDrain()
        let loops = state.withLock { state -> [EventLoop] in
            defer { state.isClosing = true }
            return state.isClosing ? [] : state.loops
        }
        guard !loops.isEmpty else {
            completion(0)
            return
        }
        let outcome = CloseOutcome(loopCount: loops.count, completion: completion)
        let deadline = MonotonicTime.now.advanced(by: grace)
        for loop in loops {
            loop.post(.close(deadline: deadline, completion: { outcome.loopClosed(cutCount: $0) }))
        }
    }

    /// Loads the certificate files again, now; a failure keeps the old ones and tells the observer.
    package func reloadCertificates() {
        guard let tls = shared.tls else { return }
        shared.observer.certificateReloaded(tls.reload())
    }

    private func startWatchingCertificates() {
        guard let tls = shared.tls else { return }
        let queue = DispatchQueue(label: configuration.name + "-certificates")
        let observer = shared.observer
        observer.certificateReloaded(.loaded(tls.context))
        tls.watch(on: queue) { [weak tls] in
            if let tls { observer.certificateReloaded(tls.reload()) }
        }
    }
}

/// Waits for the last of several loops to close.
private final class CloseOutcome: Sendable {
    private let state: Locked<(loopCount: Int, cutCount: Int)>
    private let completion: @Sendable (Int) -> Void

    init(loopCount: Int, completion: @escaping @Sendable (Int) -> Void) {
        state = Locked((loopCount, 0))
        self.completion = completion
    }

    func loopClosed(cutCount: Int) {
        let total = state.withLock { state -> Int? in
            state.loopCount -= 1
            state.cutCount += cutCount
            return state.loopCount == 0 ? state.cutCount : nil
        }
        if let total { completion(total) }
    }
}
