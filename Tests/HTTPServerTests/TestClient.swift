import Platform

/// A blocking HTTP/1.1 client that sends raw bytes and reads responses strictly.
final class TestClient {
    struct Response: Equatable {
        var status: Int
        var fields: [(name: String, value: String)]
        var body: [UInt8]

        subscript(name: String) -> String? {
            fields.first { $0.name == name }?.value
        }

        static func == (left: Response, right: Response) -> Bool {
            left.status == right.status && left.body == right.body
        }
    }

    enum Failure: Error {
        case badResponse(String)
    }

    private let socket: Socket
    private(set) var buffer: [UInt8] = []
    private(set) var hasEnded = false
    private(set) var wasReset = false
    private(set) var hasTimedOut = false
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)

    init(_ address: SocketAddress, timeoutMilliseconds: Int32 = 20_000) throws {
        socket = try Socket.connect(to: address, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Sends everything in pieces of `pieceBytes`; false when the server has closed.
    @discardableResult
    func send(_ bytes: [UInt8], pieceBytes: Int = .max) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset.addingReportingOverflow(pieceBytes).partialValue)
            let piece = Array(bytes[offset..<max(end, offset + 1)])
            var sent = 0
            while sent < piece.count {
                guard case .bytes(let count) = socket.send(piece, from: sent) else { return false }
                sent += count
            }
            offset += piece.count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    func shutDownSending() { socket.shutDownSending() }

    /// Closes with RST.
    func reset() { socket.resetOnClose() }

    /// Reads on until `isDone`; false when the input ended, or nothing came in time.
    private func receive(until isDone: () -> Bool) -> Bool {
        while !isDone() {
            guard !hasEnded, !hasTimedOut else { return false }
            switch socket.receive(into: &chunk, count: chunk.count) {
            case .bytes(0): hasEnded = true
            case .bytes(let count): buffer += chunk[..<count]
            case .wouldBlock: hasTimedOut = true
            case .failed:
                hasEnded = true
                wasReset = true
            }
        }
        return true
    }

    /// Whether the server closes without sending more than is in the buffer.
    func readToEnd() -> Bool {
        _ = receive(until: { false })
        return hasEnded
    }

    /// The next response; nil when the connection ends, or stays silent, before one is complete.
    func response(to method: String = "GET") throws -> Response? {
        var end: Int?
        guard
            receive(until: {
                end = headEnd(); return end != nil
            }), let end
        else { return nil }
        let lines = String(decoding: buffer[..<(end - 4)], as: UTF8.self).utf8
            .split(separator: 13).map { String($0.drop { $0 == 10 })! }
        buffer.removeFirst(end)
        let parts = lines[0].split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
            throw Failure.badResponse(lines[0])
        }
        var response = Response(status: status, fields: [], body: [])
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure.badResponse(line) }
            response.fields.append(
                (parts[0].lowercased(), String(parts[1].drop { $0 == " " })))
        }
        guard method != "HEAD", status >= 200, status != 204, status != 304 else {
            return response
        }
        guard let length = response["content-length"].flatMap({ Int($0) }) else {
            throw Failure.badResponse("no content-length")
        }
        guard receive(until: { buffer.count >= length }) else { return nil }
        response.body = Array(buffer[..<length])
        buffer.removeFirst(length)
        return response
    }

    private func headEnd() -> Int? {
        guard buffer.count >= 4 else { return nil }
        for index in 0...(buffer.count - 4)
        where buffer[index] == 13 && buffer[index + 1] == 10 && buffer[index + 2] == 13
            && buffer[index + 3] == 10
        {
            return index + 4
        }
        return nil
    }
}
