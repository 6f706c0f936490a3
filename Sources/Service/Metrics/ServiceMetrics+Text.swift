import Batching
import Platform

/// What is only known at the moment of a scrape.
package struct MetricsMoment: Sendable {
    var queue: BatchSnapshot?
    var cache: VectorCache.Statistics?
    var connections: Int
    var exchanges: Int
    var isReady: Bool
    var droppedLogLines: Int
    var startedAtSeconds: Double
    /// Labels of `quiver_build_info`.
    var build: [(name: String, value: String)]
    /// The models that are loaded.
    var models: [Model]

    /// One loaded model.
    struct Model: Sendable {
        var id: ModelID
        /// Its name.
        var label: String
        /// Labels of `quiver_model_info`.
        var information: [(name: String, value: String)]
    }
}

extension ServiceMetrics {
    /// Everything in the Prometheus text format.
    package func text(at moment: MetricsMoment) -> [UInt8] {
        var text = PrometheusText()
        appendRequests(to: &text, moment)
        appendWork(to: &text)
        appendQueue(to: &text, moment)
        appendAccess(to: &text)
        appendConnections(to: &text, moment)
        appendProcess(to: &text, moment)
        return text.bytes
    }

    private func appendRequests(to text: inout PrometheusText, _ moment: MetricsMoment) {
        let ordered = Route.allCases.map(Optional.some) + [nil]
        let requests = "quiver_http_requests_total"
        text.begin(requests, .counter, "Requests answered, by route and status.")
        for route in ordered {
            for (status, counter) in (routes[route]?.requests ?? [:]).sorted(by: { $0.key < $1.key }
            ) {
                text.sample(
                    requests, [("route", Self.label(route)), ("status", String(status))],
                    counter.value)
            }
        }
        text.sample(requests, [("route", "any"), ("status", "other")], otherStatuses.value)

        let duration = "quiver_http_request_duration_seconds"
        text.begin(duration, .histogram, "From a request's last header byte to its response.")
        for route in ordered {
            guard let histogram = routes[route]?.duration else { continue }
            text.histogram(duration, [("route", Self.label(route))], histogram)
        }
        text.gauge(
            "quiver_http_requests_in_flight", "Requests admitted and not yet answered.",
            moment.exchanges)
    }

    private static func label(_ route: Route?) -> String {
        route?.paths[0] ?? "unmatched"
    }

    private func appendWork(to text: inout PrometheusText) {
        let models = shownModels
        let histograms: [(String, String, KeyPath<ModelMetrics, Histogram>)] = [
            (
                "quiver_tokenization_duration_seconds", "Tokenizing all texts of one request.",
                \.tokenizationDuration
            ),
            (
                "quiver_queue_duration_seconds",
                "From a request's admission to the start of its first text.", \.queueDuration
            ),
            ("quiver_inference_duration_seconds", "Computing one batch.", \.inferenceDuration),
            ("quiver_batch_texts", "Texts in one batch.", \.batchTexts),
            ("quiver_batch_tokens", "Tokens in one batch.", \.batchTokens),
            ("quiver_input_tokens", "Tokens of one text, special tokens included.", \.inputTokens),
        ]
        for (name, help, histogram) in histograms {
            text.begin(name, .histogram, help)
            for model in models {
                text.histogram(name, [("model", model.label)], model[keyPath: histogram])
            }
        }
        let counters: [(String, String, KeyPath<ModelMetrics, Counter>)] = [
            ("quiver_texts_total", "Texts admitted.", \.texts),
            ("quiver_tokens_total", "Tokens admitted, after truncation.", \.tokens),
            (
                "quiver_truncated_texts_total", "Texts that were longer than the model's maximum.",
                \.truncations
            ),
        ]
        for (name, help, counter) in counters {
            text.begin(name, .counter, help)
            for model in models {
                text.sample(name, [("model", model.label)], model[keyPath: counter].value)
            }
        }
    }

    private func appendQueue(to text: inout PrometheusText, _ moment: MetricsMoment) {
        let gauges: [(String, String, KeyPath<ModelSnapshot, Int>)] = [
            ("quiver_queue_requests", "Requests that wait.", \.queuedRequests),
            ("quiver_queue_tokens", "Tokens of texts that wait.", \.queuedTokens),
            ("quiver_running_batches", "Batches in computation.", \.runningBatches),
        ]
        for (name, help, value) in gauges {
            text.begin(name, .gauge, help)
            for model in moment.models {
                let snapshot = moment.queue?.models[model.id] ?? ModelSnapshot()
                text.sample(name, [("model", model.label)], snapshot[keyPath: value])
            }
        }
        text.counter(
            "quiver_shared_texts_total",
            "Texts that were equal to one in the queue and shared its computation.",
            moment.queue?.counters.itemsShared ?? 0)
        appendCache(to: &text, moment.cache ?? VectorCache.Statistics())
        let rejected = "quiver_rejected_requests_total"
        text.begin(rejected, .counter, "Requests refused by the queue, by reason.")
        for model in shownModels {
            for reason in AdmissionRefusal.Reason.allCases {
                text.sample(
                    rejected, [("model", model.label), ("reason", reason.label)],
                    model.rejections[reason]?.value ?? 0)
            }
        }
        let finished = "quiver_admitted_requests_total"
        text.begin(finished, .counter, "Requests that were admitted to the queue, by outcome.")
        for model in shownModels {
            for outcome in RequestOutcome.allCases {
                text.sample(
                    finished, [("model", model.label), ("outcome", outcome.label)],
                    model.outcomes[outcome]?.value ?? 0)
            }
        }
    }

    private func appendCache(to text: inout PrometheusText, _ cache: VectorCache.Statistics) {
        text.counter("quiver_cache_hits_total", "Texts whose vector was kept.", cache.hits)
        text.counter("quiver_cache_misses_total", "Texts whose vector was not.", cache.misses)
        text.counter(
            "quiver_cache_evictions_total", "Vectors that made room for others.", cache.evictions)
        text.gauge("quiver_cache_vectors", "Vectors that are kept.", cache.entries)
        text.gauge("quiver_cache_bytes", "Bytes that they take.", cache.bytes)
    }

    private func appendConnections(to text: inout PrometheusText, _ moment: MetricsMoment) {
        text.gauge("quiver_http_connections", "Connections open.", moment.connections)
        text.counter(
            "quiver_http_connections_opened_total", "Connections taken.", connectionsOpened.value)
        append(
            "quiver_http_connections_closed_total", "Connections ended, by reason.", "reason",
            connectionsClosed, to: &text)
        append(
            "quiver_http_connections_rejected_total", "Connections turned away, by reason.",
            "reason", connectionsRejected, to: &text)
        append(
            "quiver_http_timeouts_total", "Deadlines of connections that passed, by kind.", "kind",
            deadlinesMissed, to: &text)
        append(
            "quiver_tls_handshake_failures_total", "TLS handshakes that failed, by reason.",
            "reason", handshakesFailed, to: &text)
        text.gauge(
            "quiver_tls_certificate_not_after_seconds",
            "When the first certificate expires, in seconds since 1970; 0 without TLS.",
            certificateNotAfter.load(ordering: .relaxed))
        text.counter(
            "quiver_tls_reload_failures_total",
            "Times that the certificate files could not be loaded again.",
            certificateReloadsFailed.value)
        let failures = "quiver_http_request_failures_total"
        text.begin(failures, .counter, "Requests that failed as HTTP, by status.")
        for status in Self.failureStatuses {
            text.sample(failures, [("status", String(status))], requestsFailed[status]?.value ?? 0)
        }
        text.counter("quiver_http_received_bytes_total", "Bytes read.", bytesReceived.value)
        text.counter("quiver_http_sent_bytes_total", "Bytes written.", bytesSent.value)
    }

    private func append<Key: RawRepresentable & Hashable & CaseIterable>(
        _ name: String, _ help: String, _ label: String, _ counters: [Key: Counter],
        to text: inout PrometheusText
    ) where Key.RawValue == String {
        text.begin(name, .counter, help)
        for key in Key.allCases {
            text.sample(name, [(label, key.rawValue)], counters[key]?.value ?? 0)
        }
    }

    private func appendProcess(to text: inout PrometheusText, _ moment: MetricsMoment) {
        let usage = ProcessUsage.read()
        text.begin("process_cpu_seconds_total", .counter, "Processor time, user and system.")
        text.sample("process_cpu_seconds_total", [], usage.processorSeconds)
        text.gauge(
            "process_resident_memory_bytes", "Memory resident in RAM.", usage.residentBytes)
        text.gauge("process_open_fds", "File descriptors open.", usage.openDescriptors)
        text.gauge("process_max_fds", "File descriptors allowed.", usage.descriptorsMaximum)
        text.begin("process_start_time_seconds", .gauge, "Start of the process since the epoch.")
        text.sample("process_start_time_seconds", [], moment.startedAtSeconds)
        text.counter(
            "quiver_log_dropped_lines_total", "Log lines dropped because nobody read them.",
            moment.droppedLogLines)
        text.gauge("quiver_ready", "Whether the service is ready: 1 or 0.", moment.isReady ? 1 : 0)
        text.begin("quiver_build_info", .gauge, "The program; always 1.")
        text.sample("quiver_build_info", moment.build, 1)
        text.begin("quiver_model_info", .gauge, "The models that are loaded; always 1.")
        for model in moment.models {
            text.sample("quiver_model_info", model.information, 1)
        }
        text.counter(
            "quiver_model_reload_failures_total",
            "Times that the models of a configuration read again could not be loaded.",
            modelReloadsFailed.value)
    }
}

extension RequestOutcome {
    /// The outcome in metrics.
    package var label: String {
        switch self {
        case .completed: "completed"
        case .cancelled: "cancelled"
        case .deadlineExpired: "expired"
        case .workerFailed: "failed"
        case .abandoned: "abandoned"
        }
    }
}

extension AdmissionRefusal.Reason {
    /// The reason in metrics and logs.
    package var label: String {
        switch self {
        case .queueTokensFull: "queue_tokens_full"
        case .queueRequestsFull: "queue_requests_full"
        case .clientShareFull: "client_share_full"
        case .waitTooLong: "wait_too_long"
        case .deadlineTooShort: "deadline_too_short"
        case .requestTooLarge: "request_too_large"
        case .draining: "draining"
        }
    }
}
