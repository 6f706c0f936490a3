/// The life of one server connection as a value: what its bytes mean and what is to be done next.
///
/// It holds no socket, clock or callback. The shell feeds it bytes and events and performs what it
/// returns; tests do the same with scripts. One request is in hand at a time: bytes after it wait
/// with the shell until the response is out (RFC 9112 §9.3.2).
package struct ConnectionMachine: Sendable {
    /// Where the connection stands; the shell gives each its deadline.
    package enum Phase: Hashable, Sendable {
        /// Between requests; nothing of the next has arrived.
        case idle
        /// A head has begun.
        case head
        /// A head is there and `admit` or `refuse` is awaited; never seen outside a call.
        case deciding
        /// Content is arriving.
        case body
        /// The handler has the request.
        case handling
        /// A response is being written.
        case responding
        /// The response is out, the refused request's content still comes and is dropped.
        case draining
        /// Nothing more will be answered; input is dropped until the client closes.
        case lingering
    }

    /// What to do after `consume`.
    package enum Step: Sendable {
        /// All bytes are used up; wait for more.
        case awaitInput
        /// Keep the bytes that are left: a response is awaited or being written.
        case hold
        /// Ask the handler, then call `admit` or `refuse`.
        case decide(RequestHead)
        /// These bytes of the input are the request's content.
        case content(Range<Int>)
        /// The content is complete: hand the request over.
        case deliver
        /// Answer with this failure and close.
        case fail(ProtocolFailure)
        /// Close without a word.
        case close
    }

    /// What to do when the response is out.
    package enum AfterResponse: Hashable, Sendable {
        case continueReading
        /// Shut down the sending side, then drop input until the client closes.
        case linger
    }

    /// What a FIN means.
    package enum EndOfInput: Hashable, Sendable {
        case close
        /// A request is in hand: answer it, then close (a half-close is legitimate).
        case keepAnswering
        case fail(ProtocolFailure)
    }

    package private(set) var phase = Phase.idle
    private var parser: RequestParser
    private var body: BodyDecoder?
    private var head: HeadSummary?
    /// Whether the response in hand is the connection's last.
    ///
    /// Stored, like the phase: to read it, another module need not copy the machine.
    package private(set) var closesAfterResponse = false
    private var requestCount = 0
    private let limits: HTTPLimits
    private let isSecure: Bool
    private let requestCountMaximum: Int

    /// What must be remembered of the head until the response is out.
    private struct HeadSummary: Sendable {
        var framing: BodyFraming
        var keepsAlive: Bool
        var expectsContinue: Bool
    }

    /// The most content of a refused request that is read for the sake of keeping the connection.
    private static let refusedBytesMaximum = 64 << 10

    package init(limits: HTTPLimits, isSecure: Bool, requestCountMaximum: Int = .max) {
        self.limits = limits
        self.isSecure = isSecure
        self.requestCountMaximum = requestCountMaximum
        parser = RequestParser(limits: limits, isSecure: isSecure)
    }

    /// Reads one step's worth from the front of `range`, which it shortens.
    package mutating func consume(_ input: [UInt8], _ range: inout Range<Int>) -> Step {
        switch phase {
        case .idle, .head:
            guard !range.isEmpty else { return .awaitInput }
            return consumeHead(input, &range)
        case .deciding:
            preconditionFailure("a request awaits its admission")
        case .body:
            return consumeBody(input, &range)
        case .handling, .responding:
            return .hold
        case .draining:
            return drain(input, &range)
        case .lingering:
            range = range.upperBound..<range.upperBound
            return .awaitInput
        }
    }

    private mutating func consumeHead(_ input: [UInt8], _ range: inout Range<Int>) -> Step {
        do throws(ProtocolFailure) {
            guard let head = try parser.parse(input, &range) else {
                if parser.hasBegun { phase = .head }
                return .awaitInput
            }
            phase = .deciding
            requestCount += 1
            closesAfterResponse = !head.keepsAlive || requestCount >= requestCountMaximum
            self.head = HeadSummary(
                framing: head.framing, keepsAlive: head.keepsAlive,
                expectsContinue: head.expectsContinue)
            return .decide(head)
        } catch {
            return fail(error)
        }
    }

    private mutating func consumeBody(_ input: [UInt8], _ range: inout Range<Int>) -> Step {
        do throws(ProtocolFailure) {
            switch try body?.next(input, &range) ?? .end {
            case .incomplete: return .awaitInput
            case .content(let content): return .content(content)
            case .end:
                body = nil
                phase = .handling
                return .deliver
            }
        } catch {
            return fail(error)
        }
    }

    private mutating func drain(_ input: [UInt8], _ range: inout Range<Int>) -> Step {
        do throws(ProtocolFailure) {
            while true {
                switch try body?.next(input, &range) ?? .end {
                case .incomplete: return .awaitInput
                case .content: continue
                case .end:
                    beginNextRequest()
                    return range.isEmpty ? .awaitInput : consumeHead(input, &range)
                }
            }
        } catch {
            // The one response is out; there is nothing to say any more.
            return .close
        }
    }

    /// Takes the request that `.decide` offered; true when 100 (Continue) is to be sent now.
    ///
    /// `hasInput` tells that content has already arrived: then the client is not waiting (RFC 9110
    /// §10.1.1).
    package mutating func admit(
        bodyBytesMaximum: Int, hasInput: Bool
    ) throws(ProtocolFailure) -> Bool {
        guard let head, phase == .deciding else { preconditionFailure("nothing to admit") }
        phase = .body
        do throws(ProtocolFailure) {
            body = try BodyDecoder(
                framing: head.framing, limits: limits,
                contentBytesMaximum: min(bodyBytesMaximum, limits.bodyBytesMaximum))
        } catch {
            _ = fail(error)
            throw error
        }
        let hasContent = head.framing != .none && head.framing != .length(0)
        return head.expectsContinue && hasContent && !hasInput
    }

    /// Refuses the request that `.decide` offered: the response may be written at once.
    package mutating func refuse() {
        guard let head, phase == .deciding else { preconditionFailure("nothing to refuse") }
        phase = .handling
        body = try? BodyDecoder(
            framing: head.framing, limits: limits, contentBytesMaximum: Self.refusedBytesMaximum)
        // Whether a client that expected 100 will send its content now cannot be known.
        let isContentFollowing = head.framing != .none && head.framing != .length(0)
        if body == nil || (head.expectsContinue && isContentFollowing) {
            body = nil
            closesAfterResponse = true
        }
    }

    /// A failure outside the parser, such as content that does not inflate.
    @discardableResult
    package mutating func fail(_ failure: ProtocolFailure) -> Step {
        phase = .handling
        body = nil
        closesAfterResponse = true
        return .fail(failure)
    }

    /// The response in hand is to be the last, whatever the client asked.
    package mutating func closeAfterResponse() { closesAfterResponse = true }

    /// A response begins to be written.
    package mutating func beginResponse() {
        precondition(phase == .handling, "a response in \(phase)")
        phase = .responding
    }

    /// The response has been handed to the system in full.
    package mutating func endResponse() -> AfterResponse {
        precondition(phase == .responding, "a response's end in \(phase)")
        guard !closesAfterResponse else {
            phase = .lingering
            return .linger
        }
        if body != nil {
            phase = .draining
        } else {
            beginNextRequest()
        }
        return .continueReading
    }

    private mutating func beginNextRequest() {
        parser = RequestParser(limits: limits, isSecure: isSecure)
        body = nil
        head = nil
        phase = .idle
    }

    /// The client has sent FIN, or close_notify; `hasHeldInput` when unread bytes are left.
    package mutating func endInput(hasHeldInput: Bool) -> EndOfInput {
        switch phase {
        case .idle: return .close
        case .head, .body:
            _ = fail(.malformed(.incomplete))
            return .fail(.malformed(.incomplete))
        case .deciding, .handling, .responding:
            if !hasHeldInput { closesAfterResponse = true }
            return .keepAnswering
        case .draining, .lingering: return .close
        }
    }

    /// Nothing more will be read as a request.
    package mutating func linger() { phase = .lingering }
}
