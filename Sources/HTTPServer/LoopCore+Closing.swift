import HTTPWire
import Platform

extension LoopCore {
    /// A deadline has passed.
    func miss(_ connection: Connection, _ kind: DeadlineKind) {
        shared.observer.deadlineMissed(kind)
        switch kind {
        case .idle, .linger: close(connection, .deadline)
        case .handshake: failHandshake(connection, .timedOut)
        case .head, .body, .bodyRate:
            // Draining has had its response.
            if connection.machine.phase == .draining {
                close(connection, .deadline)
            } else {
                fail(connection, .timedOut)
            }
        case .writeRate:
            // What the client does not read is dropped with the connection.
            connection.stream.socket.resetOnClose()
            close(connection, .deadline)
        }
    }

    /// The last response is out: sends FIN and drops input until the client has closed.
    ///
    /// Closing at once would answer bytes still under way with RST, and the client's system might
    /// then throw the response away unread (RFC 9112 §9.6).
    func linger(_ connection: Connection) {
        connection.held = []
        connection.heldStart = 0
        if let tls = connection.tls {
            tls.close()
            // What the socket does not take now goes when it can be written to again.
            guard sendEncrypted(connection) else { return }
        }
        endOutput(connection)
    }

    /// Everything has been sent.
    func endOutput(_ connection: Connection) {
        connection.stream.socket.shutDownSending()
        if connection.hasInputEnded { close(connection, .byResponse) }
    }

    /// Ends a connection in any state; its descriptor closes with the last reference.
    func close(_ connection: Connection, _ reason: CloseReason) {
        guard !connection.isClosed else { return }
        connection.isClosed = true
        if connection.isHandshaking { endHandshake(connection) }
        if reason != .reset { sayGoodbye(connection) }
        report(connection, isAbandoned: true)
        loop.poller.remove(connection.stream.socket.descriptor.rawValue)
        let slot = Int(connection.token & 0xFFFF_FFFF)
        slots[slot] = nil
        freeSlots.append(slot)
        connectionCount -= 1
        shared.connectionCount.subtract(1, ordering: .relaxed)
        shared.observer.connectionClosed(
            reason, bytesReceived: connection.bytesReceived, bytesSent: connection.bytesSent)
    }

    /// No more connections; those without a request are closed, the others after their response.
    func stopListening() {
        if let listener {
            loop.poller.remove(listener.socket.descriptor.rawValue)
            listener.socket.stopListening()
            self.listener = nil
            acceptResumesAt = nil
        }
        for connection in slots.compactMap({ $0 }) {
            switch connection.machine.phase {
            case .idle where !connection.isHandshaking && !connection.isInLine:
                close(connection, .draining)
            case .idle, .head, .body, .handling, .responding:
                connection.machine.closeAfterResponse()
            case .draining: close(connection, .draining)
            case .deciding, .lingering: break
            }
        }
    }

    /// Whether the loop has been told to close and has nothing more to do.
    var isFinished: Bool {
        guard let closing else { return false }
        return connectionCount == 0 || closing.deadline <= now
    }

    /// Cuts what is left after the grace and reports how many exchanges that cost.
    func finishClosing() {
        var cutCount = 0
        for connection in slots.compactMap({ $0 }) {
            if connection.exchange != nil { cutCount += 1 }
            close(connection, .draining)
        }
        for message in loop.takeMessages() {
            if case .adopt(let rawDescriptor, _) = message {
                _ = FileDescriptor(owning: rawDescriptor)
                shared.connectionCount.subtract(1, ordering: .relaxed)
            }
        }
        closing?.completion(cutCount)
    }
}
