import Batching
import Glibc
import Platform
import Testing

/// What the policy is for, in figures: the tables of docs/batching.md come from here.
struct WorkloadTests {
    /// Nothing but age counts.
    private static var firstComeFirstServed: BatchConfiguration {
        var configuration = BatchConfiguration()
        configuration.orderTokensMaximum = 1
        configuration.fairness = 0
        configuration.splitTokensMinimum = 1 << 20
        return configuration
    }

    /// What may interrupt, as in the service: documents, and queries.
    private static let interruptTokens = [256, 64]

    private static let policies: [(name: String, configuration: BatchConfiguration)] = {
        var policies: [(String, BatchConfiguration)] = []
        var fifo = firstComeFirstServed
        policies.append(("first come, first served; 128 tokens", fifo))
        fifo.batchTokensMaximum = 2048
        policies.append(("first come, first served; 2048 tokens", fifo))
        for budget in [512, 128, 64, 32] {
            var configuration = BatchConfiguration()
            configuration.batchTokensMaximum = budget
            policies.append(("remaining work; \(budget) tokens", configuration))
        }
        for budget in [128, 64] {
            var configuration = BatchConfiguration()
            configuration.batchTokensMaximum = budget
            configuration.interruptTokensMaxima = interruptTokens
            policies.append(("remaining work; \(budget) tokens; interrupts", configuration))
        }
        var gang = BatchConfiguration()
        gang.batchTokensMaximum = 64
        gang.handTokensMinimum = 2
        gang.gangBacklogMaximum = .zero
        policies.append(("remaining work; 64 tokens; gangs when nothing waits", gang))
        gang.interruptTokensMaxima = interruptTokens
        policies.append(("remaining work; 64 tokens; gangs when nothing waits; interrupts", gang))
        gang.gangBacklogMaximum = .milliseconds(500)
        policies.append(("remaining work; 64 tokens; gangs; interrupts", gang))
        return policies
    }()

    /// Prints the tables when `QUIVER_BATCHING_REPORT` says how many seconds to simulate.
    @Test(.enabled(if: getenv("QUIVER_BATCHING_REPORT") != nil))
    func report() {
        let seconds = getenv("QUIVER_BATCHING_REPORT").flatMap { Double(String(cString: $0)) } ?? 60
        let closed = Self.closedLoop.run(Self.policy)
        let figures = [50.0, 99].map { Self.round(closed.percentile($0, of: .query)) }
        print("closed loop: \(figures), goodput \(Self.round(100 * closed.goodput)) %")
        for load in [0.3, 0.6, 0.85, 1.2] {
            print("load \(load)")
            for (name, configuration) in Self.policies {
                var workload = Workload()
                workload.load = load
                workload.seconds = seconds
                let outcome = workload.run(configuration)
                let figures = Workload.Kind.allCases.map { kind in
                    [50.0, 99].map { Self.round(outcome.percentile($0, of: kind)) }
                        .joined(separator: " / ")
                }
                let refused = Self.round(100 * Double(outcome.refused) / Double(outcome.arrived))
                print(
                    "| \(name) | " + figures.joined(separator: " | ")
                        + " | \(Self.round(100 * outcome.goodput)) | \(refused) |")
            }
        }
    }

    /// The latency of one query on a machine that has nothing else to do, in milliseconds.
    private var unloaded: (query: Double, document: Double, bulk: Double) {
        let engine = Workload.Engine()
        return (
            engine.seconds(tokens: 16, hands: 1) * 1e3,
            engine.seconds(tokens: 130, hands: 1) * 1e3,
            engine.seconds(tokens: 130, hands: 1) * 1e3 * 16
        )
    }

    private static var policy: BatchConfiguration {
        var configuration = BatchConfiguration()
        configuration.batchTokensMaximum = 64
        configuration.interruptTokensMaxima = interruptTokens
        return configuration
    }

    @Test func keepsQueriesShortBesideBulkAtSixtyPercent() {
        var workload = Workload()
        workload.seconds = 25
        let outcome = workload.run(Self.policy)
        #expect(outcome.percentile(50, of: .query) < 2.5 * unloaded.query)
        #expect(outcome.percentile(99, of: .query) < 12 * unloaded.query)
        #expect(outcome.percentile(99, of: .document) < 5 * unloaded.document)
        #expect(outcome.percentile(50, of: .bulk) < 2.5 * unloaded.bulk)
        // The order alone, without interrupts, is an order of magnitude better than age alone.
        let plain = workload.run(Self.firstComeFirstServed)
        #expect(
            outcome.percentile(99, of: .query) * 10 < plain.percentile(99, of: .query))
    }

    @Test func keepsQueriesShortAtEightyFivePercent() {
        var workload = Workload()
        workload.seconds = 25
        workload.load = 0.85
        let outcome = workload.run(Self.policy)
        #expect(outcome.percentile(99, of: .query) < 20 * unloaded.query)
        #expect(outcome.refused == 0)
    }

    @Test func losesLittleWhenItIsAskedForTooMuch() {
        var workload = Workload()
        workload.seconds = 25
        workload.load = 1.5
        let outcome = workload.run(Self.policy)
        #expect(outcome.goodput > 0.95)
        #expect(outcome.refused > 0)
    }

    /// Requests of nearly one length, three times what the cores can do: those with a few tokens more
    /// are not passed by all others, and what is admitted waits about as long as it was promised.
    @Test func keepsItsPromiseToNearlyEqualRequestsInAnOverload() {
        var workload = Workload()
        workload.seconds = 60
        workload.load = 3
        workload.shares = [0, 1000, 0]
        workload.documentTokens = 500...560
        let outcome = workload.run(Self.policy)
        let promise = Self.policy.waitMaximum.seconds * 1e3
        #expect(outcome.percentile(50, of: .document) < 1.2 * promise)
        #expect(outcome.percentile(99, of: .document) < 2 * promise)
        #expect(outcome.goodput > 0.95)
    }

    /// One client keeps 32 bulk requests in flight; another asks single queries.
    @Test func oneClientsBulkDoesNotDelayAnothersQueries() {
        var workload = Workload()
        workload.seconds = 25
        workload.shares = [1000, 0, 0]
        workload.load = 0.02
        workload.flood = Workload.Flood(inFlight: 32, tokenCounts: Array(repeating: 130, count: 32))
        let outcome = workload.run(Self.policy)
        let batch = workload.engine.seconds(tokens: 130, hands: 1) * 1e3
        #expect(outcome.percentile(99, of: .query) < 2 * batch + unloaded.query)
    }

    /// 32 clients send one query after the other: nobody waits for much longer than the mean, which
    /// is 32 over the answers a second.
    @Test func servesEqualClientsInTurn() {
        let outcome = Self.closedLoop.run(Self.policy)
        #expect(outcome.goodput > 0.85)
        let queries = outcome.latencies[.query] ?? []
        let mean = queries.reduce(0, +) / Double(queries.count)
        #expect(outcome.percentile(99, of: .query) < 1.25 * mean)
    }

    private static var closedLoop: Workload {
        var workload = Workload()
        workload.seconds = 10
        workload.load = 1e-6
        workload.flood = Workload.Flood(inFlight: 32, tokenCounts: [16], isCounted: true)
        return workload
    }

    /// One client keeps 256 queries in flight; the others' documents, longer than any of them, get
    /// their share all the same.
    @Test func oneClientsQueriesDoNotStarveAnothersDocuments() {
        var workload = Workload()
        workload.seconds = 25
        workload.shares = [0, 1000, 0]
        workload.load = 0.3
        workload.flood = Workload.Flood(inFlight: 256, tokenCounts: [16])
        let fair = workload.run(Self.policy)
        var unfair = Self.policy
        unfair.fairness = 0
        let starved = workload.run(unfair)
        let figures = (
            fair.percentile(99, of: .document), starved.percentile(99, of: .document)
        )
        #expect(figures.0 < 100 && figures.0 * 3 < figures.1, "\(figures)")
    }

    private static func round(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let tenths = Int((value * 10).rounded())
        return tenths >= 1000 ? "\((tenths + 5) / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
