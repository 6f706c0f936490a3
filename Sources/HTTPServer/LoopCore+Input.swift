import HTTPWire
import Platform

extension LoopCore {
    /// Reads once and acts on it; what is left comes up again when the connection settles.
    ///
    /// A read that does not fill the buffer has taken everything; only a FIN that `isEnding` has told of
    /// may wait behind it.
    func read(_ connection: Connection, isEnding: Bool = false) {
        switch connection.stream.socket.receive(into: &readBuffer, count: readBuffer.count) {
        case .wouldBlock: connection.wantsNewReport = true
        case .failed: close(connection, .reset)
        case .bytes(0): endInput(connection)
        case .bytes(let count):
            connection.bytesReceived += count
            connection.wantsNewReport = isEnding || count == readBuffer.count
            if connection.tls == nil {
                pump(connection, readBuffer, 0..<count)
            } else {
                decrypt(connection, count)
            }
        }
    }

    /// Feeds fresh bytes to the machine and keeps what it does not want yet.
    func pump(_ connection: Connection, _ input: [UInt8], _ range: Range<Int>) {
        var range = range
        if connection.machine.phase == .lingering {
            connection.lingeredBytes += range.count
            if connection.lingeredBytes > shared.configuration.deadlines.lingerBytesMaximum {
                close(connection, .deadline)
            }
            return
        }
        // What came before goes first.
        if !connection.isInLine { perform(connection, input, &range) }
        guard !range.isEmpty, !connection.isClosed else { return }
        if !connection.hasHeldInput {
            connection.held = []
            connection.heldStart = 0
        }
        connection.held.append(contentsOf: input[range])
    }

    /// Feeds the bytes that waited for a response.
    func pumpHeld(_ connection: Connection) {
        guard !connection.isClosed, !connection.isInLine else { return }
        if connection.hasHeldInput, !connection.hasOutput {
            let input = connection.held
            connection.held = []
            var range = connection.heldStart..<input.count
            perform(connection, input, &range)
            // Nothing is read in between, so the held bytes can go back as they were.
            connection.held = range.isEmpty ? [] : input
            connection.heldStart = range.isEmpty ? 0 : range.lowerBound
        }
        guard connection.hasInputEnded, !connection.isClosed, !connection.hasHeldInput else {
            return
        }
        switch connection.machine.phase {
        case .idle, .head, .body, .draining: endInput(connection)
        case .deciding, .handling, .responding, .lingering: break
        }
    }

    /// Gives those in line their turn: the next of the requests that they have sent.
    func serveLine() {
        let tokens = line
        line.removeAll(keepingCapacity: true)
        for token in tokens {
            guard let connection = connection(token) else { continue }
            connection.isInLine = false
            pumpHeld(connection)
            settle(connection)
        }
    }

    /// Performs the machine's steps until it wants more input or an answer, or has answered a request.
    ///
    /// After that the connection gets in line: a client that pipelines many requests has one of them
    /// answered each time that the others' are.
    private func perform(_ connection: Connection, _ input: [UInt8], _ range: inout Range<Int>) {
        var hasAnswered = false
        while !connection.isClosed {
            if hasAnswered, connection.isBetweenRequests, !range.isEmpty {
                connection.isInLine = true
                line.append(connection.token)
                return
            }
            switch connection.machine.consume(input, &range) {
            case .awaitInput, .hold: return
            case .decide(let head):
                hasAnswered = true
                decide(connection, head, hasInput: !range.isEmpty)
            case .content(let content):
                connection.requestBodyBytes += content.count
                connection.deadline.note(bytes: content.count)
                do throws(ProtocolFailure) {
                    try connection.content.append(input, content, shared: shared)
                } catch {
                    fail(connection, error)
                }
            case .deliver: deliver(connection)
            case .fail(let failure): fail(connection, failure)
            case .close: close(connection, .byResponse)
            }
        }
    }

    private func decide(_ connection: Connection, _ head: RequestHead, hasInput: Bool) {
        connection.head = head
        connection.receivedAt = now
        connection.requestBodyBytes = 0
        switch shared.handler.admit(head, from: connection.peer) {
        case .refuse(let response):
            connection.machine.refuse()
            answer(connection, response)
        case .accept(let bytesMaximum):
            let limit = shared.configuration.limits.bodyBytesMaximum
            let maximum = min(bytesMaximum ?? limit, limit)
            do throws(ProtocolFailure) {
                let sendsContinue = try connection.machine.admit(
                    bodyBytesMaximum: maximum, hasInput: hasInput)
                try connection.content.begin(head: head, bytesMaximum: maximum, shared: shared)
                if sendsContinue {
                    transmit(connection, ResponseSerializer.continueResponse, body: [])
                }
            } catch {
                fail(connection, error)
            }
        }
    }

    /// The request is complete: hands it over, and takes the response if it is there at once.
    private func deliver(_ connection: Connection) {
        guard let head = connection.head else { return }
        let body: [UInt8]
        do throws(ProtocolFailure) {
            body = try connection.content.finish()
        } catch {
            fail(connection, error)
            return
        }
        let loop = loop
        let token = connection.token
        let exchange = Exchange(
            head: head, peer: connection.peer, receivedAt: connection.receivedAt,
            isBeingHandled: true, reply: directReply(connection, head),
            deliver: { exchange, isUrgent in
                loop.post(.answered(token: token, exchange), isUrgent: isUrgent)
            })
        connection.exchange = exchange
        shared.exchangeCount.add(1, ordering: .relaxed)
        shared.handler.handle(Request(head: head, body: body, peer: connection.peer), exchange)
        if let response = exchange.endHandling() { answer(connection, response) }
    }

    /// The right to answer without the loop, where the answer needs nothing that only the loop has.
    private func directReply(_ connection: Connection, _ head: RequestHead) -> DirectReply? {
        guard connection.tls == nil, !connection.hasOutput,
            !connection.machine.closesAfterResponse
        else { return nil }
        return DirectReply(
            stream: connection.stream, shared: shared, head: head,
            requestBodyBytes: connection.requestBodyBytes)
    }

    /// The client has sent FIN or close_notify.
    func endInput(_ connection: Connection) {
        connection.hasInputEnded = true
        // What came before the end is answered first.
        guard !connection.isInLine else { return }
        guard !connection.isHandshaking else {
            failHandshake(connection, .disconnected)
            return
        }
        switch connection.machine.endInput(hasHeldInput: connection.hasHeldInput) {
        case .close:
            close(connection, connection.machine.phase == .lingering ? .byResponse : .byClient)
        case .keepAnswering:
            // The response says that it is the last, which only the loop knows.
            if connection.machine.closesAfterResponse { connection.exchange?.withdrawReply() }
        case .fail(let failure): fail(connection, failure)
        }
    }
}
