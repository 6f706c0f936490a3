import HTTPWire
import Platform

extension LoopCore {
    /// So many at one event: others want their turn too.
    private static let acceptsPerEvent = 64
    private static let acceptPauseMaximum = TimeSpan.seconds(1)
    private static let overloadedResponse = Array(
        """
        HTTP/1.1 503 Service Unavailable\r
        connection: close\r
        retry-after: 1\r
        content-length: 0\r
        \r

        """.utf8)

    func watch(_ listener: ListenerSocket) {
        _ = loop.poller.add(
            listener.socket.descriptor.rawValue, token: Self.listenerToken, interest: .readable)
    }

    func acceptConnections() {
        guard let listener else { return }
        for _ in 0..<Self.acceptsPerEvent {
            switch listener.socket.accept() {
            case .connection(let rawDescriptor, let peer):
                acceptPause = Self.acceptPauseMinimum
                place(rawDescriptor, peer)
            case .aborted: continue
            case .wouldBlock: return
            case .exhausted:
                pauseAccepting(listener)
                return
            }
        }
    }

    /// Gives a new connection to the next loop, or turns it away.
    private func place(_ rawDescriptor: Int32, _ peer: SocketAddress) {
        let (_, count) = shared.connectionCount.add(1, ordering: .relaxed)
        let isHandshakeLimit =
            shared.tls != nil
            && shared.handshakeCount.load(ordering: .relaxed)
                >= shared.configuration.handshakeCountMaximum
        guard count <= shared.connectionCountMaximum, !isHandshakeLimit else {
            shared.connectionCount.subtract(1, ordering: .relaxed)
            let socket = Socket(owning: rawDescriptor)
            if shared.tls == nil {
                // The socket's empty buffer takes so little at once.
                _ = socket.send(Self.overloadedResponse)
                socket.shutDownSending()
            }
            shared.observer.connectionRejected(
                isHandshakeLimit ? .handshakeLimit : .connectionLimit)
            return
        }
        nextLoop = (nextLoop + 1) % loops.count
        if loops[nextLoop] === loop {
            adopt(rawDescriptor, peer: peer)
        } else {
            loops[nextLoop].post(.adopt(rawDescriptor: rawDescriptor, peer: peer))
        }
    }

    /// No descriptor is left: the listener, for ever ready, is not looked at for a while.
    ///
    /// One waiting client is told by a close; the others keep their place in the backlog.
    private func pauseAccepting(_ listener: ListenerSocket) {
        spare = nil
        if case .connection(let rawDescriptor, _) = listener.socket.accept() {
            _ = FileDescriptor(owning: rawDescriptor)
            shared.observer.connectionRejected(.descriptorLimit)
        }
        spare = FileDescriptor.openSpare()
        loop.poller.remove(listener.socket.descriptor.rawValue)
        acceptResumesAt = now.advanced(by: acceptPause)
        acceptPause = min(
            TimeSpan(nanoseconds: acceptPause.nanoseconds * 2), Self.acceptPauseMaximum)
    }

    /// Takes a connection in.
    func adopt(_ rawDescriptor: Int32, peer address: SocketAddress) {
        let slot = freeSlots.popLast() ?? slots.count
        if slot == slots.count {
            slots.append(nil)
            generations.append(0)
        }
        generations[slot] &+= 1
        let isSecure = shared.tls != nil
        let configuration = shared.configuration
        let connection = Connection(
            rawDescriptor: rawDescriptor,
            token: UInt64(generations[slot]) << 32 | UInt64(slot),
            peer: Peer(address: address, isSecure: isSecure),
            machine: ConnectionMachine(
                limits: configuration.limits, isSecure: isSecure,
                requestCountMaximum: configuration.requestsPerConnectionMaximum),
            deadline: ConnectionDeadline(
                activity: isSecure ? .handshake : .idle(isFirst: true),
                deadlines: configuration.deadlines, now: now))
        if let tls = shared.tls {
            connection.tls = tls.makeEngine()
            connection.isHandshaking = true
            shared.handshakeCount.add(1, ordering: .relaxed)
        }
        slots[slot] = connection
        connectionCount += 1
        shared.observer.connectionOpened(from: connection.peer)
        // Without memory for an engine nothing may be said: it would be in cleartext.
        guard !isSecure || connection.tls != nil,
            loop.poller.add(
                rawDescriptor, token: connection.token, interest: connection.interest)
        else {
            close(connection, .reset)
            return
        }
        // The first bytes are usually there already.
        read(connection)
        // It has been watched since before that: what was not there yet is reported.
        if connection.bytesReceived == 0 { connection.wantsNewReport = false }
        settle(connection)
    }
}
