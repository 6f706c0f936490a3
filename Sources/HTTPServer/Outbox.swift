import Platform

/// Bytes of one response that the socket has not taken yet.
struct Outbox {
    private var head: [UInt8]
    private var body: [UInt8]
    private var headOffset = 0
    private var bodyOffset = 0

    static let empty = Outbox(head: [], body: [])

    init(head: [UInt8], body: [UInt8]) {
        self.head = head
        self.body = body
    }

    var isEmpty: Bool { headOffset == head.count && bodyOffset == body.count }

    /// Gives the socket what it takes with one call.
    mutating func send(to socket: borrowing Socket) -> IOResult {
        let result = socket.send(head, from: headOffset, then: body, from: bodyOffset)
        if case .bytes(let count) = result { advance(by: count) }
        return result
    }

    /// Takes out up to `count` bytes, for a filter that encrypts them.
    mutating func take(upTo count: Int) -> ArraySlice<UInt8> {
        if headOffset < head.count {
            let end = min(head.count, headOffset + count)
            defer { headOffset = end }
            return head[headOffset..<end]
        }
        let end = min(body.count, bodyOffset + count)
        defer { bodyOffset = end }
        return body[bodyOffset..<end]
    }

    /// Puts a response behind what is left, such as an interim response's last bytes.
    mutating func append(head: [UInt8], body: [UInt8]) {
        let rest = self.head[headOffset...] + self.body[bodyOffset...] + head
        self = Outbox(head: Array(rest), body: body)
    }

    private mutating func advance(by count: Int) {
        let fromHead = min(count, head.count - headOffset)
        headOffset += fromHead
        bodyOffset += count - fromHead
    }
}
