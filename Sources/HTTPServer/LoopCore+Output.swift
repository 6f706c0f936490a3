import HTTPWire
import Platform

extension LoopCore {
    /// Content up to this size is copied behind the head and leaves with one buffer.
    private static let inlineBodyBytesMaximum = 16 << 10

    /// Answers with a failure of the protocol and closes.
    func fail(_ connection: Connection, _ failure: ProtocolFailure) {
        shared.observer.requestFailed(failure, from: connection.peer)
        connection.machine.fail(failure)
        connection.head = nil
        connection.content.release(shared: shared)
        write(connection, shared.handler.response(to: failure), isGzipped: false)
    }

    /// Answers the request in hand, compressed if that is wanted.
    func answer(_ connection: Connection, _ response: Response) {
        guard let exchange = connection.exchange else {
            write(connection, response, isGzipped: false)
            return
        }
        let coding = shared.coding(of: response, for: exchange.head)
        guard coding != .identity else {
            write(connection, response, isGzipped: false)
            return
        }
        let loop = loop
        let token = connection.token
        let compressor = shared.compressor
        compressor.queue.async {
            let body = compressor.compress(response.body, mayGrow: coding == .gzipOnly)
            loop.post(.compressed(token: token, exchange, response, body: body))
        }
    }

    /// Writes a response; when the socket takes it all, ends it as well.
    func write(_ connection: Connection, _ response: Response, isGzipped: Bool) {
        if response.closesConnection || closing != nil
            || shared.isDraining.load(ordering: .relaxed)
        {
            connection.machine.closeAfterResponse()
        }
        let isHead = connection.head?.method == .head
        let hasContent = !response.status.forbidsContent
        let closes = connection.machine.closesAfterResponse
        let body = hasContent && !isHead ? response.body : []
        begin(connection, response, bodyBytes: body.count)

        headBuffer.removeAll(keepingCapacity: true)
        ResponseSerializer.appendHead(
            status: response.status, fields: response.fields,
            framing: ResponseSerializer.Framing(
                contentLength: hasContent ? response.body.count : nil, closes: closes,
                confirmsKeepAlive: connection.head?.version == .http1_0, isGzipped: isGzipped,
                varies: isGzipped || shared.isCompressible(response),
                strictTransportSeconds: connection.tls == nil
                    ? nil : shared.configuration.tls?.strictTransportSeconds),
            date: currentDate(), to: &headBuffer)
        if body.count <= Self.inlineBodyBytesMaximum {
            headBuffer.append(contentsOf: body)
            transmit(connection, headBuffer, body: [])
        } else {
            transmit(connection, headBuffer, body: body)
        }
    }

    /// Takes note of a response that has been sent, where the client is faster than the message of it.
    func finishSent(_ connection: Connection) {
        guard let (response, sent) = connection.exchange?.takeSent() else { return }
        finish(connection, response, sent)
        pumpHeld(connection)
    }

    /// Takes note of a response that was sent from elsewhere, and sends what is left of it.
    func finish(_ connection: Connection, _ response: Response, _ sent: DirectReply.Sent) {
        begin(connection, response, bodyBytes: sent.bodyBytes)
        connection.response?.isReported = sent.isComplete
        switch sent.result {
        case .failed:
            close(connection, .reset)
            return
        case .wouldBlock: break
        case .bytes(let count): connection.bytesSent += count
        }
        connection.outbox = sent.rest
        flush(connection)
    }

    private func begin(_ connection: Connection, _ response: Response, bodyBytes: Int) {
        connection.machine.beginResponse()
        connection.response = Connection.PendingResponse(
            status: response.status, fields: response.fields, requester: response.requester,
            bodyBytes: bodyBytes)
    }

    /// Sends now what the socket takes and keeps the rest.
    func transmit(_ connection: Connection, _ head: [UInt8], body: [UInt8]) {
        if connection.outbox.isEmpty {
            connection.outbox = Outbox(head: head, body: body)
        } else {
            connection.outbox.append(head: head, body: body)
        }
        flush(connection)
    }

    /// Sends what is waiting; ends the response when all of it is gone.
    func flush(_ connection: Connection) {
        guard connection.tls == nil else {
            flushEncrypted(connection)
            return
        }
        while !connection.outbox.isEmpty {
            switch connection.outbox.send(to: connection.stream.socket) {
            case .wouldBlock: return
            case .failed:
                close(connection, .reset)
                return
            case .bytes(let count):
                connection.bytesSent += count
                connection.deadline.note(bytes: count)
            }
        }
        connection.outbox = .empty
        outputIsEmpty(connection)
    }

    /// All output has been handed to the system.
    func outputIsEmpty(_ connection: Connection) {
        guard connection.machine.phase == .responding else { return }
        report(connection, isAbandoned: false)
        switch connection.machine.endResponse() {
        case .linger: linger(connection)
        case .continueReading:
            connection.deadline.beginIdle(now: now)
        }
    }

    /// Tells the observer how the exchange in hand went, and forgets it.
    func report(_ connection: Connection, isAbandoned: Bool) {
        connection.content.release(shared: shared)
        if let exchange = connection.exchange {
            connection.exchange = nil
            shared.exchangeCount.subtract(1, ordering: .relaxed)
            if isAbandoned { exchange.abandon() }
        }
        if let response = connection.response, let head = connection.head, !response.isReported {
            shared.observer.exchangeFinished(
                ExchangeRecord(
                    head: head, peer: connection.peer, status: response.status,
                    responseFields: response.fields, requester: response.requester,
                    requestBodyBytes: connection.requestBodyBytes,
                    responseBodyBytes: response.bodyBytes, receivedAt: connection.receivedAt,
                    duration: MonotonicTime.now.interval(since: connection.receivedAt),
                    isAbandoned: isAbandoned))
        }
        connection.response = nil
        connection.head = nil
    }
}
