import HTTPServer
import HTTPWire

/// Answers on the metrics listener: metrics and health, and nothing else.
///
/// No key is asked for: whoever reaches the address is meant to. It has a loop and a bound on
/// connections of its own, so it answers when the service's listener is full.
final class OperationsHandler: RequestHandler {
    private let service: Service

    init(_ service: Service) {
        self.service = service
    }

    func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        do throws(APIError) {
            _ = try Service.route(of: head, where: Self.isServed)
            return .accept()
        } catch {
            return .refuse(service.response(to: error, Self.context(head, peer)))
        }
    }

    func handle(_ request: Request, _ exchange: Exchange) {
        service.answer(request, exchange, Self.context(request.head, request.peer))
    }

    func response(to failure: ProtocolFailure) -> Response {
        service.response(to: failure)
    }

    private static func isServed(_ route: Route) -> Bool {
        switch route {
        case .metrics, .health, .live, .ready: true
        case .embeddings, .tokenize, .models: false
        }
    }

    private static func context(_ head: RequestHead, _ peer: Peer) -> RequestContext {
        RequestContext(id: RequestID.of(head), client: Client(peer))
    }
}

/// Hears of the metrics listener's requests; its connections are not the service's and not counted.
struct OperationsObserver: ServerObserver {
    let observer: ServiceObserver

    func exchangeFinished(_ record: ExchangeRecord) {
        observer.exchangeFinished(record)
    }

    func requestFailed(_ failure: ProtocolFailure, from peer: Peer) {
        observer.requestFailed(failure, from: peer)
    }
}
