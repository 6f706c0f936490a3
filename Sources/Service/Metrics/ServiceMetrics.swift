import Batching
import HTTPServer
import HTTPWire
import Platform
import Synchronization

/// Every instrument of the service; all series exist from the start, at zero.
package final class ServiceMetrics: Sendable {
    /// Requests and latencies of one route.
    final class RouteInstruments: Sendable {
        /// Requests by status; statuses that no table foresees are counted as `other`.
        let requests: [Int: Counter]
        let duration: Histogram
        /// The same counters by status less 100, without a search.
        private let byStatus: [Counter?]

        init(statuses: Set<Int>) {
            let requests = [Int: Counter](uniqueKeysWithValues: statuses.map { ($0, Counter()) })
            self.requests = requests
            byStatus = (100..<600).map { requests[$0] }
            duration = Histogram(bounds: Histogram.latencyBounds)
        }

        /// The counter of a status from 100 to 599; nil when the table does not foresee it.
        func counter(of status: Int) -> Counter? { byStatus[status - 100] }
    }

    /// By route; nil is what no route matched.
    let routes: [Route?: RouteInstruments]
    let otherStatuses = Counter()

    private let models = Locked(ModelMetricsTable())
    /// Times that the models of a configuration that was read again could not be loaded.
    let modelReloadsFailed = Counter()

    package let access = AccessMetrics()

    let connectionsOpened = Counter()
    let connectionsClosed: [CloseReason: Counter]
    let connectionsRejected: [ConnectionRejection: Counter]
    let deadlinesMissed: [DeadlineKind: Counter]
    let requestsFailed = [Int: Counter](
        uniqueKeysWithValues: failureStatuses.map { ($0, Counter()) })
    let handshakesFailed: [HandshakeFailure: Counter]
    /// In seconds since 1970; 0 without TLS.
    let certificateNotAfter = Atomic(0)
    let certificateReloadsFailed = Counter()
    let bytesReceived = Counter()
    let bytesSent = Counter()

    /// What HTTP alone can answer, before any route.
    package static let failureStatuses = [400, 408, 413, 414, 415, 417, 431, 501, 503, 505]

    package init() {
        var routes: [Route?: RouteInstruments] = [:]
        for route in Route.allCases {
            routes[route] = Self.instruments(for: route.statuses)
        }
        routes.updateValue(Self.instruments(for: [401, 404]), forKey: Route?.none)
        self.routes = routes
        connectionsClosed = Self.counters(CloseReason.allCases)
        connectionsRejected = Self.counters(ConnectionRejection.allCases)
        deadlinesMissed = Self.counters(DeadlineKind.allCases)
        handshakesFailed = Self.counters(HandshakeFailure.allCases)
    }

    private static func counters<Key: Hashable>(_ keys: [Key]) -> [Key: Counter] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0, Counter()) })
    }

    private static func instruments(for statuses: [Int]) -> RouteInstruments {
        RouteInstruments(statuses: Set(statuses + failureStatuses))
    }

    /// The instruments of the models that are served, in their order.
    var shownModels: [ModelMetrics] { models.withLock { $0.shown } }

    /// The instruments of the model with this name.
    func model(_ label: String) -> ModelMetrics { models.withLock { $0.model(label) } }

    /// The instruments of the model with this number in the queue.
    func model(_ id: ModelID) -> ModelMetrics? { models.withLock { $0.byID[id] } }

    /// Shows the models of these names alone.
    func show(_ labels: [String]) { models.withLock { $0.show(labels) } }

    /// Counts in `metrics` what the queue does for `id`; nil when the model has gone.
    func assign(_ metrics: ModelMetrics?, to id: ModelID) {
        models.withLock { $0.assign(metrics, to: id) }
    }

    /// Counts one answered request.
    func requestFinished(route: Route?, status: Int, duration: TimeSpan) {
        let instruments = routes[route]
        (instruments?.counter(of: status) ?? otherStatuses).add()
        instruments?.duration.observe(duration.seconds)
    }
}
