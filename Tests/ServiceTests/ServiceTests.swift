import Batching
import Glibc
import HTTPServer
import HTTPWire
import JSON
import Logging
import Platform
import Service
import Synchronization
import TestSupport
import Testing

/// Requests as the server hands them over, and the answers that come back from wherever.
struct ServiceTests {
    private static func configuration(_ folder: TemporaryFolder) throws -> ServiceConfiguration {
        try ServiceConfiguration.merging(
            flags: [
                "model": [folder.path], "dtype": ["float32"], "threads": ["1"],
                "served-model-name": ["m"],
            ],
            environment: [:], file: nil)
    }

    private func service(_ configuration: ServiceConfiguration) throws -> Service {
        let metrics = ServiceMetrics()
        let service = Service(
            configuration: configuration,
            access: try AccessControl(keyFile: nil, metrics: metrics.access), metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            logSink: LogSink(descriptor: STDERR_FILENO))
        service.serve(
            try ModelSet(
                configuration, keeping: nil, metrics: metrics, observer: SilentBatchObserver()
            ) { _ in })
        return service
    }

    /// The answer to `POST /v1/embeddings` with these texts.
    private func answer(_ service: Service, _ texts: [String]) throws -> Response {
        let quoted = texts.map { "\"\($0)\"" }.joined(separator: ",")
        let head = RequestHead(
            method: .post, target: "/v1/embeddings", path: "/v1/embeddings", fields: HTTPFields())
        let peer = Peer(address: SocketAddress(host: "127.0.0.1", port: 1))
        let answered = Semaphore()
        let exchange = Exchange(head: head, peer: peer, receivedAt: .now) { _ in answered.signal() }
        service.handle(
            Request(
                head: head, body: Array(#"{"model":"m","input":[\#(quoted)]}"#.utf8), peer: peer),
            exchange)
        try #require(answered.wait(until: MonotonicTime.now.advanced(by: .seconds(60))))
        return try #require(exchange.takeResponse())
    }

    /// Texts are tokenized in turns of 64: at their bounds no text is lost, doubled or out of place.
    @Test(arguments: [1, 63, 64, 65, 127, 128, 129, 200])
    func answersEveryTextInItsPlace(count: Int) throws {
        let folder = try TinyModel.folder("bert")
        let configuration = try Self.configuration(folder)
        let service = try service(configuration)
        let words = ["river", "bank", "money", "water", "bridge", "one", "two"]
        let texts = (0..<count).map { number in
            (0..<3).map { words[(number / [1, 7, 49][$0]) % 7] }.joined(separator: " ")
        }
        let response = try answer(service, texts)
        #expect(response.status == .ok)
        let data = try #require(JSONValue(parsing: response.body).object?["data"]?.array)
        let vectors = try data.map { element in
            try #require(element.object?["embedding"]?.array).compactMap {
                $0.double.map(Float.init)
            }
        }
        #expect(try vectors == TextEmbedder(configuration).embed(texts))
        #expect(data.map { $0.object?["index"]?.double } == (0..<count).map(Double.init))
    }
}
