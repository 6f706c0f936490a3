import Batching
import HTTPServer
import HTTPWire
import JSON
import Logging
import Platform
import Service
import TestSupport
import Testing

/// Requests that are larger than a slice, through the service and its queue.
struct FlowTests {
    private let folder: TemporaryFolder
    private let service: Service

    init() throws {
        folder = try TinyModel.folder("bert")
        let configuration = try ServiceConfiguration.merging(
            flags: [
                "model": [folder.path], "dtype": ["float32"], "threads": ["2"],
                "served-model-name": ["m"], "cache-bytes": ["\(1 << 20)"],
            ], environment: [:], file: nil)
        let metrics = ServiceMetrics()
        service = Service(
            configuration: configuration,
            access: try AccessControl(keyFile: nil, metrics: metrics.access), metrics: metrics,
            logger: Logger(label: "test"), logSink: LogSink(descriptor: 2))
        service.serve(
            try ModelSet(
                configuration, keeping: nil, metrics: metrics, observer: SilentBatchObserver()
            ) { _ in })
    }

    /// The status and body of the answer.
    private func answer(_ fields: String) throws -> (status: Int, body: [UInt8]) {
        let peer = Peer(address: SocketAddress(host: "127.0.0.1", port: 1))
        var headers = HTTPFields()
        headers.append("Content-Type", "application/json")
        let head = RequestHead(
            method: .post, target: "/v1/embeddings", path: "/v1/embeddings", fields: headers)
        let done = Semaphore()
        let exchange = Exchange(head: head, peer: peer, receivedAt: .now) { _ in done.signal() }
        let body = Array(#"{"model":"m",\#(fields)}"#.utf8)
        service.handle(Request(head: head, body: body, peer: peer), exchange)
        try #require(done.wait(until: MonotonicTime.now.advanced(by: .seconds(60))))
        let response = try #require(exchange.takeResponse())
        return (response.status.code, response.body)
    }

    private static func input(_ texts: [String]) -> String {
        #""input":["# + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    private static let texts = (0..<203).map { number in
        let words = ["river", "bank", "money", "bridge", "water"]
        return (0..<1 + number % 7).map { words[(number + $0 * $0) % 5] }.joined(separator: " ")
            + " \(number % 90)"
    }

    private func data(_ body: [UInt8]) throws -> [JSONObject] {
        try #require(JSONValue(parsing: body).object?["data"]?.array).compactMap(\.object)
    }

    /// Every input has the vector that it has in a request of its own, to the bit, at its place.
    @Test(arguments: [
        "", #","encoding_format":"base64""#, #","dimensions":8"#,
        #","long_text":"chunks","chunk_tokens":3"#, #","long_text":"mean","chunk_tokens":3"#,
    ])
    func slicesAreInPlaceAndToTheBit(options: String) throws {
        let (status, body) = try answer(Self.input(Self.texts) + options)
        #expect(status == 200)
        let whole = try data(body)
        #expect(whole.compactMap { $0["index"]?.int } == Array(Self.texts.indices))
        var tokens = 0
        for start in stride(from: 0, to: Self.texts.count, by: 50) {
            let part = Array(Self.texts[start...].prefix(50))
            let (_, small) = try answer(Self.input(part) + options)
            tokens +=
                try JSONValue(parsing: small).object?["usage"]?.object?["total_tokens"]?.int ?? 0
            for (offset, object) in try data(small).enumerated() {
                let other = whole[start + offset]
                #expect(object["embedding"] == other["embedding"])
                #expect(object["chunks"] == other["chunks"])
            }
        }
        let usage = try JSONValue(parsing: body).object?["usage"]?.object
        #expect(usage?["total_tokens"]?.int == tokens)
        // With all vectors kept the answer is the same, and with a part of them.
        #expect(try answer(Self.input(Self.texts) + options).body == body)
    }

    @Test func slicesThatWereKeptAreNotComputedAgain() throws {
        let (_, body) = try answer(Self.input(Array(Self.texts[64..<128])))
        let kept = try data(body)
        let whole = try data(answer(Self.input(Self.texts)).body)
        #expect(whole[64..<128].map { $0["embedding"] } == kept.map { $0["embedding"] })
        let tail = try data(answer(Self.input(Array(Self.texts[70...]))).body)
        #expect(tail.map { $0["embedding"] } == whole[70...].map { $0["embedding"] })
    }

    /// Nothing of a request is computed when one of its texts is wrong, whichever slice it is in.
    @Test func namesTheWrongTextOfALaterSlice() throws {
        var texts = Self.texts
        texts[150] = Array(repeating: "river", count: 900).joined(separator: " ")
        let (status, body) = try answer(Self.input(texts) + #","truncate":false"#)
        #expect(status == 400)
        let error = try JSONValue(parsing: body).object?["error"]?.object
        #expect(error?["param"]?.string == "input[150]")
    }
}
