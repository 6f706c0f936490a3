import Batching
import Dispatch
import Glibc
import HTTPServer
import HTTPWire
import Logging
import Platform

/// The embedding service as the HTTP server sees it: decides on requests and answers them.
package final class Service: Sendable {
    /// Where the service is in its life.
    enum Phase: Sendable {
        case loading
        case ready(ModelSet)
        /// Not ready any more; the queue decides what it still takes.
        case draining(ModelSet?)
    }

    let configuration: ServiceConfiguration
    let access: AccessControl
    let cors: CORSPolicy
    let metrics: ServiceMetrics
    let logger: Logger
    let logSink: LogSink
    let startedAtSeconds: Double
    private let phase = Locked(Phase.loading)
    /// Large requests are parsed and tokenized here, one after the other, so that a loop and its
    /// other connections never wait for one.
    let preparation = DispatchQueue(label: "quiver.prepare")
    /// The metrics' text is made here: it takes some tenths of a millisecond.
    let scrapes = DispatchQueue(label: "quiver.metrics")
    /// The server's own numbers, for the metrics; set once it listens.
    let server = Locked<Server?>(nil)

    package init(
        configuration: ServiceConfiguration, access: AccessControl, metrics: ServiceMetrics,
        logger: Logger, logSink: LogSink
    ) {
        self.configuration = configuration
        self.access = access
        cors = CORSPolicy(origins: configuration.corsOrigins)
        self.metrics = metrics
        self.logger = logger
        self.logSink = logSink
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        startedAtSeconds = Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) * 1e-3
        metrics.show(configuration.models.map(\.label))
    }

    // MARK: Life

    /// The models, also while draining: then the queue itself says what it still takes.
    ///
    /// - Throws: the answer to a request that comes too early or too late.
    func models() throws(APIError) -> ModelSet {
        switch phase.withLock({ $0 }) {
        case .loading: throw .loading
        case .ready(let models), .draining(let models?): return models
        case .draining(nil): throw .draining
        }
    }

    /// Whether a balancer should send work here.
    ///
    /// - Throws: why not.
    func checkReadiness() throws(APIError) {
        switch phase.withLock({ $0 }) {
        case .loading: throw .loading
        case .ready: return
        case .draining: throw .draining
        }
    }

    /// The models if they are loaded, whether or not they take new work.
    var loadedModels: ModelSet? {
        switch phase.withLock({ $0 }) {
        case .loading: nil
        case .ready(let models): models
        case .draining(let models): models
        }
    }

    /// Serves these models from now on: opens the service, unless it is being ended already.
    ///
    /// A request has the models that were there when it came, to its end.
    package func serve(_ models: ModelSet) {
        for model in models.models { metrics.assign(model.metrics, to: model.engine.id) }
        phase.withLock { phase in
            if case .draining = phase {
                phase = .draining(models)
            } else {
                phase = .ready(models)
            }
        }
        metrics.show(models.models.map(\.setting.label))
    }

    /// Turns readiness off.
    ///
    /// Work is still taken until the queue drains, because balancers hear of it late.
    package func beginDraining() {
        phase.withLock { phase in
            switch phase {
            case .loading: phase = .draining(nil)
            case .ready(let models): phase = .draining(models)
            case .draining: break
            }
        }
    }

    /// The names under which models are served, for `/v1/models` and messages.
    package var servedNames: [String] {
        loadedModels?.names ?? configuration.models.flatMap(\.servedNames)
    }
}
