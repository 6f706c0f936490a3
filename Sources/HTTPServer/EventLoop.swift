import Dispatch
import Platform

/// One thread's worth of connections: the work of a Dispatch serial queue for the server's life.
final class EventLoop: Sendable {
    /// What other threads ask of the loop.
    enum Message: Sendable {
        case adopt(rawDescriptor: Int32, peer: SocketAddress)
        case answered(token: UInt64, Exchange)
        /// The body is nil where compressing it brings nothing.
        case compressed(token: UInt64, Exchange, Response, body: [UInt8]?)
        case stopListening
        case close(deadline: MonotonicTime, completion: @Sendable (_ cutCount: Int) -> Void)
    }

    let poller: Poller
    let shared: ServerShared
    private let mailbox = Locked<[Message]>([])
    private let queue: DispatchQueue
    private let name: String

    init(index: Int, shared: ServerShared) throws(ServerError) {
        do {
            poller = try Poller()
        } catch {
            throw ServerError(error, host: shared.configuration.host, port: 0)
        }
        self.shared = shared
        name = "\(shared.configuration.name)-loop-\(index)"
        queue = DispatchQueue(label: name)
    }

    /// Runs until closed; the loop with the listener accepts for `loops`, all of them.
    func start(listener: ListenerSocket?, loops: [EventLoop]) {
        queue.async { [self] in
            nameCurrentThread(name)
            LoopCore(loop: self, listener: listener, loops: loops).run()
        }
    }

    /// Leaves a message, from any thread; costs a system call only when the loop sleeps.
    ///
    /// - Parameter isUrgent: false lets the loop sleep on; it finds the message when it wakes, soon enough
    ///   while there are exchanges (`LoopCore.unheardMaximum`).
    func post(_ message: Message, isUrgent: Bool = true) {
        mailbox.withLock { $0.append(message) }
        if isUrgent { poller.wakeUp() }
    }

    /// The messages so far.
    func takeMessages() -> [Message] {
        mailbox.withLock { messages in
            guard !messages.isEmpty else { return [] }
            defer { messages = [] }
            return messages
        }
    }

    var hasMessages: Bool { mailbox.withLock { !$0.isEmpty } }
}

/// A listening socket on its way to the loop that owns it.
final class ListenerSocket: Sendable {
    let socket: Socket

    init(_ socket: consuming Socket) {
        self.socket = socket
    }
}
