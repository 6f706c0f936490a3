import HTTPWire
import Platform
import Synchronization

/// One request and its one response, shared between the connection's loop and whoever answers.
package final class Exchange: Sendable {
    package let head: RequestHead
    package let peer: Peer
    /// When the head's last byte was read.
    package let receivedAt: MonotonicTime

    private struct State: Sendable {
        var response: Response?
        var isAnswered = false
        /// While the handler is being called the loop looks for the response itself.
        var isBeingHandled: Bool
        var isAbandoned = false
        var deliver: (@Sendable (Exchange) -> Void)?
        var abandonActions: [@Sendable () -> Void] = []
    }

    private let state: Mutex<State>

    /// An exchange that calls `deliver` when its response is there.
    ///
    /// Tests of handlers make one without a server. With `isBeingHandled` a response is only kept
    /// until `endHandling` asks for it.
    package init(
        head: RequestHead, peer: Peer, receivedAt: MonotonicTime, isBeingHandled: Bool = false,
        deliver: @escaping @Sendable (Exchange) -> Void
    ) {
        self.head = head
        self.peer = peer
        self.receivedAt = receivedAt
        state = Mutex(State(isBeingHandled: isBeingHandled, deliver: deliver))
    }

    /// Gives the response, from any thread; the first call counts, later ones are ignored.
    package func respond(_ response: Response) {
        let deliver = state.withLock { state -> (@Sendable (Exchange) -> Void)? in
            guard !state.isAnswered else { return nil }
            state.isAnswered = true
            state.response = response
            state.abandonActions = []
            defer { state.deliver = nil }
            return state.isBeingHandled ? nil : state.deliver
        }
        deliver?(self)
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

    /// Takes the response out, once.
    package func takeResponse() -> Response? {
        state.withLock { state in
            defer { state.response = nil }
            return state.response
        }
    }

    /// Marks the client as gone and runs the actions for it.
    package func abandon() {
        let actions = state.withLock { state in
            state.isAbandoned = true
            defer { state.abandonActions = [] }
            return state.abandonActions
        }
        for action in actions { action() }
    }
}
