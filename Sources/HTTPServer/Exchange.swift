import HTTPWire
import Platform

/// One request and its one response, shared between the connection's loop and whoever answers.
package final class Exchange: Sendable {
    package let head: RequestHead
    package let peer: Peer
    /// When the head's last byte was read.
    package let receivedAt: MonotonicTime

    /// Tells the loop that the response is there; not at once when it is out and nothing depends on it.
    typealias Deliver = @Sendable (_ exchange: Exchange, _ isUrgent: Bool) -> Void

    private struct State: Sendable {
        var response: Response?
        var isAnswered = false
        /// While the handler is being called the loop looks for the response itself.
        var isBeingHandled: Bool
        var isAbandoned = false
        var deliver: Deliver?
        /// Whether the loop waits to hear of the response, for the connection has more to do.
        var isAwaited = false
        var reply: DirectReply?
        var sent: DirectReply.Sent?
        var abandonActions: [@Sendable () -> Void] = []
    }

    private let state: Locked<State>

    /// An exchange that calls `deliver` when its response is there.
    ///
    /// Tests of handlers make one without a server. With `isBeingHandled` a response is only kept
    /// until `endHandling` asks for it.
    package convenience init(
        head: RequestHead, peer: Peer, receivedAt: MonotonicTime, isBeingHandled: Bool = false,
        deliver: @escaping @Sendable (Exchange) -> Void
    ) {
        self.init(
            head: head, peer: peer, receivedAt: receivedAt, isBeingHandled: isBeingHandled,
            reply: nil, deliver: { exchange, _ in deliver(exchange) })
    }

    /// An exchange whose response may be sent by who gives it, by `reply`, before `deliver` is called.
    init(
        head: RequestHead, peer: Peer, receivedAt: MonotonicTime, isBeingHandled: Bool,
        reply: DirectReply?, deliver: @escaping Deliver
    ) {
        self.head = head
        self.peer = peer
        self.receivedAt = receivedAt
        state = Locked(State(isBeingHandled: isBeingHandled, deliver: deliver, reply: reply))
    }

    /// Gives the response, from any thread; the first call counts, later ones are ignored.
    package func respond(_ response: Response) {
        let (deliver, reply) = state.withLock { state -> (Deliver?, DirectReply?) in
            guard !state.isAnswered else { return (nil, nil) }
            state.isAnswered = true
            state.response = response
            state.abandonActions = []
            defer { (state.deliver, state.reply) = (nil, nil) }
            return state.isBeingHandled ? (nil, nil) : (state.deliver, state.reply)
        }
        // The loop looks at it when it is told, below: nobody else does meanwhile.
        var isUrgent = true
        if let reply, let sent = reply.send(response) {
            // First: who asks for metrics next on this connection finds this exchange in them.
            reply.report(response, sent, to: self)
            isUrgent = state.withLock { state in
                state.sent = sent
                return state.isAwaited || !sent.isComplete
            }
        }
        deliver?(self, isUrgent)
    }

    /// The loop wants to hear of the response at once from now on.
    ///
    /// - Returns: whether it has been sent already, so that nobody may tell.
    func hearAtOnce() -> Bool {
        state.withLock { state in
            state.isAwaited = true
            return state.sent != nil
        }
    }

    /// Whether the client has reset the connection or the server given it up: nobody will read a
    /// response.
    package var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Runs `action` once when the client is gone before the response was given.
    ///
    /// It runs at once when the client is gone already, else on the loop, and must not block.
    package func onAbandon(_ action: @escaping @Sendable () -> Void) {
        let isAbandoned = state.withLock { state in
            if !state.isAbandoned && !state.isAnswered { state.abandonActions.append(action) }
            return state.isAbandoned && !state.isAnswered
        }
        if isAbandoned { action() }
    }

    /// The handler has returned: the response if it is there already; else `deliver` will be called.
    func endHandling() -> Response? {
        state.withLock { state in
            state.isBeingHandled = false
            defer { state.response = nil }
            return state.response
        }
    }

    /// Takes the response out, once, and what of it has been sent already.
    func takeAnswer() -> (Response, DirectReply.Sent?)? {
        state.withLock { state in
            defer { (state.response, state.sent) = (nil, nil) }
            return state.response.map { ($0, state.sent) }
        }
    }

    /// Takes a response out that has been sent already; nil when there is none or it is not sent.
    func takeSent() -> (Response, DirectReply.Sent)? {
        state.withLock { state in
            guard let sent = state.sent, let response = state.response else { return nil }
            (state.response, state.sent) = (nil, nil)
            return (response, sent)
        }
    }

    /// Takes the response out, once.
    package func takeResponse() -> Response? {
        state.withLock { state in
            defer { state.response = nil }
            return state.response
        }
    }

    /// Leaves the sending to the loop after all, unless the response is under way already.
    func withdrawReply() { state.withLock { $0.reply = nil } }

    /// Marks the client as gone and runs the actions for it.
    package func abandon() {
        let actions = state.withLock { state in
            state.isAbandoned = true
            // The descriptor is not kept from being closed.
            state.reply = nil
            defer { state.abandonActions = [] }
            return state.abandonActions
        }
        for action in actions { action() }
    }
}
