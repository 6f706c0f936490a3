import Platform

/// What is counted about keys; clients appear by their names alone.
package final class AccessMetrics: Sendable {
    /// Why a request was refused with 401.
    package enum Failure: String, CaseIterable, Sendable {
        case missing, invalid, expired
    }

    /// The counters of one client.
    struct ClientInstruments: Sendable {
        let requests = Counter()
        let tokens = Counter()
        let refusals = Counter()
    }

    let failures: [Failure: Counter]
    let reloadsFailed = Counter()
    private let clients = Locked<[String: ClientInstruments]>([:])

    package init() {
        failures = Dictionary(uniqueKeysWithValues: Failure.allCases.map { ($0, Counter()) })
    }

    /// Makes the series of these clients, at zero; those that are there stay.
    func register(_ names: Set<String>) {
        clients.withLock { clients in
            for name in names where clients[name] == nil { clients[name] = ClientInstruments() }
        }
    }

    /// The counters of a client; nil when no key has had that name.
    func client(_ name: String) -> ClientInstruments? {
        clients.withLock { $0[name] }
    }

    /// All clients by name, in its order.
    var sortedClients: [(name: String, instruments: ClientInstruments)] {
        clients.withLock { clients in
            clients.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }
}

extension ServiceMetrics {
    /// Writes the counters about keys.
    func appendAccess(to text: inout PrometheusText) {
        let failures = "quiver_auth_failures_total"
        text.begin(failures, .counter, "Requests refused with 401, by reason.")
        for reason in AccessMetrics.Failure.allCases {
            text.sample(
                failures, [("reason", reason.rawValue)], access.failures[reason]?.value ?? 0)
        }
        text.counter(
            "quiver_key_file_reload_failures_total",
            "Times that the key file could not be read again.", access.reloadsFailed.value)
        let clients = access.sortedClients
        for (name, help, counter) in [
            ("quiver_client_requests_total", "Requests with a valid key, by its name.", \.requests),
            (
                "quiver_client_tokens_total", "Tokens admitted from the owner of a key.",
                \.tokens
            ),
            (
                "quiver_client_quota_refusals_total", "Requests refused for a key's quota.",
                \.refusals
            ),
        ] as [(String, String, KeyPath<AccessMetrics.ClientInstruments, Counter>)] {
            guard !clients.isEmpty else { return }
            text.begin(name, .counter, help)
            for (client, instruments) in clients {
                text.sample(name, [("client", client)], instruments[keyPath: counter].value)
            }
        }
    }
}
