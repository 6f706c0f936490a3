import Platform

extension LoopCore {
    /// Decrypts what was read, acts on it, and sends what TLS itself has to say.
    func decrypt(_ connection: Connection, _ count: Int) {
        guard let tls = connection.tls else { return }
        plainBuffer.removeAll(keepingCapacity: true)
        var failure: TLSFailure?
        do throws(TLSFailure) {
            try tls.receive(readBuffer.span.extracting(0..<count), into: &plainBuffer)
        } catch {
            failure = error
        }
        if connection.isHandshaking && tls.isEstablished {
            endHandshake(connection)
            connection.peer.certificateNames = tls.peerCertificateNames
        }
        // Before anything is closed: an alert may say why.
        if !sendEncrypted(connection), connection.isClosed { return }
        if !plainBuffer.isEmpty { pump(connection, plainBuffer, 0..<plainBuffer.count) }
        switch failure {
        case .handshake(let reason, _): failHandshake(connection, reason)
        case .broken, .truncated: close(connection, .reset)
        case nil:
            if tls.hasReceivedCloseNotify && !connection.hasInputEnded && !connection.isClosed {
                endInput(connection)
            }
        }
    }

    /// Encrypts and sends what is waiting; ends the response when all of it is gone.
    func flushEncrypted(_ connection: Connection) {
        guard let tls = connection.tls else { return }
        repeat {
            while !connection.outbox.isEmpty && tls.room > 0 {
                let plaintext = connection.outbox.take(upTo: tls.room)
                do throws(TLSFailure) {
                    _ = try tls.write(plaintext.span)
                } catch {
                    close(connection, .reset)
                    return
                }
            }
            guard sendEncrypted(connection) else { return }
            guard connection.outbox.isEmpty || tls.room > 0 else {
                // Nothing can be written any more.
                close(connection, .reset)
                return
            }
        } while !connection.outbox.isEmpty
        connection.outbox = .empty
        if connection.machine.phase == .lingering {
            endOutput(connection)
        } else {
            outputIsEmpty(connection)
        }
    }

    /// Sends ciphertext until none is left; false when the socket takes no more, or is broken.
    func sendEncrypted(_ connection: Connection) -> Bool {
        guard let tls = connection.tls else { return true }
        while tls.pendingCiphertextCount > 0 {
            var outcome = IOResult.wouldBlock
            tls.sendCiphertext { bytes, start in
                outcome = connection.stream.socket.send(bytes, from: start)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .wouldBlock: return false
            case .failed:
                if connection.isHandshaking {
                    failHandshake(connection, .disconnected)
                } else {
                    close(connection, .reset)
                }
                return false
            case .bytes(let count):
                connection.bytesSent += count
                connection.deadline.note(bytes: count)
            }
        }
        return true
    }

    /// Says close_notify to a client from which nothing is withheld, if the socket takes it at once.
    ///
    /// A client whose response is cut must not get it: it would take what it has for the whole.
    func sayGoodbye(_ connection: Connection) {
        guard let tls = connection.tls, connection.outbox.isEmpty, tls.pendingCiphertextCount == 0
        else { return }
        tls.close()
        tls.sendCiphertext { bytes, start in
            if case .bytes(let count) = connection.stream.socket.send(bytes, from: start) {
                return count
            }
            return 0
        }
    }

    /// Reports a handshake that came to nothing, and closes.
    func failHandshake(_ connection: Connection, _ reason: HandshakeFailure) {
        guard !connection.isClosed else { return }
        shared.observer.handshakeFailed(reason, from: connection.peer)
        close(connection, .handshake)
    }

    /// Gives the place among the handshakes free; the first request has its own time.
    func endHandshake(_ connection: Connection) {
        connection.isHandshaking = false
        shared.handshakeCount.subtract(1, ordering: .relaxed)
        connection.deadline.enter(.idle(isFirst: true), now: now)
    }
}
