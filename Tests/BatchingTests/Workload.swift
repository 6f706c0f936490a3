import Batching
import HeapModule
import Platform

/// An open-loop workload against the queue and a model of the processor, on a virtual clock.
///
/// Arrivals are Poisson and do not wait for answers, so a late answer delays nobody's question and
/// is counted in full (no coordinated omission).
struct Workload {
    enum Kind: Int, CaseIterable { case query, document, bulk }

    /// What a batch costs: calibrated for a small encoder on one core (docs/batching.md).
    struct Engine {
        var workers = 2
        var secondsPerToken = 71e-6
        var secondsPerBatch = 0.15e-3
        var layers = 6
        /// How much of the cores' sum a gang reaches.
        var gangEfficiency = 0.8
        /// Until a helper that was woken takes its first part, and until one that was called away is
        /// out of its last; the former is shorter, so nobody leaves before having come.
        var secondsToJoin = 35e-6
        var secondsToLeave = 70e-6

        var tokensPerSecond: Double { Double(workers) / secondsPerToken }

        func seconds(tokens: Int, hands: Int) -> Double {
            let speed = hands == 1 ? 1 : Double(hands) * gangEfficiency
            return secondsPerBatch + Double(tokens) * secondsPerToken / speed
        }
    }

    /// Requests that are sent anew the moment they are answered.
    struct Flood {
        var inFlight: Int
        var tokenCounts: [Int]
        /// Whether each is a client of its own, and counted as queries; else they are one client's,
        /// and not counted.
        var isCounted = false
    }

    var engine = Engine()
    var flood: Flood?
    /// Per 1000 requests: queries of 8 to 24 tokens, documents of `documentTokens`, and bulk requests of
    /// 32 documents.
    var shares = [790, 200, 10]
    var documentTokens = 65...195
    var load = 0.6
    var seconds = 120.0
    var seed: UInt64 = 1
    /// Requests come from this many clients, at random.
    var clients = 64

    private var meanTokens: Double {
        let document = Double(documentTokens.lowerBound + documentTokens.upperBound) / 2
        let queries = Double(shares[0]) * 16
        return (queries + Double(shares[1]) * document + Double(shares[2]) * 32 * document) / 1000
    }

    /// Sorted latencies in milliseconds, by kind, of what came after a tenth of the time.
    struct Outcome {
        var latencies: [Kind: [Double]] = [:]
        var refused = 0
        var arrived = 0
        /// Tokens of completed requests, over what the workers could have computed.
        var goodput = 0.0

        func percentile(_ percent: Double, of kind: Kind) -> Double {
            guard let sorted = latencies[kind], !sorted.isEmpty else { return .nan }
            return sorted[min(Int(Double(sorted.count) * percent / 100), sorted.count - 1)]
        }
    }

    func run(_ configuration: BatchConfiguration) -> Outcome {
        var machine = Machine(workload: self, configuration: configuration)
        return machine.run()
    }

    fileprivate func arrivals() -> [Machine.Request] {
        var random = SplitMix64(seed: seed)
        let rate = load * engine.tokensPerSecond / meanTokens
        var time = 0.0
        var requests: [Machine.Request] = []
        while true {
            time -= Double.logarithm(1 - random.unit()) / rate
            guard time < seconds else { return requests }
            let draw = random.below(1000)
            func document() -> Int {
                documentTokens.lowerBound + random.below(documentTokens.count)
            }
            let kind: Kind =
                draw < shares[0] ? .query : draw < shares[0] + shares[1] ? .document : .bulk
            let counts: [Int] =
                switch kind {
                case .query: [8 + random.below(17)]
                case .document: [document()]
                case .bulk: (0..<32).map { _ in document() }
                }
            requests.append(
                Machine.Request(
                    time: time, kind: kind, tokenCounts: counts,
                    client: ClientKey(UInt64(1 + random.below(clients)))))
        }
    }
}

/// The processor's side: batches that take their time, layer by layer.
private struct Machine {
    struct Request {
        var time: Double
        var kind: Workload.Kind
        var tokenCounts: [Int]
        var client: ClientKey
    }

    private struct Moment: Comparable {
        enum Happening {
            /// Valid if the batch's speed has not changed since.
            case layerDone(BatchID, change: Int)
            case joined(BatchID)
            case left(worker: Int, BatchID)
            case flood(slot: Int)
        }

        var time: Double
        var number: Int
        var happening: Happening

        static func < (left: Moment, right: Moment) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }

        static func == (left: Moment, right: Moment) -> Bool { left.number == right.number }
    }

    /// A batch that is being computed, or waits for the one that interrupts it.
    private struct Running {
        var batch: BatchQueue.Batch
        var layersLeft: Int
        /// What of the layer in work was left at `time`.
        var layerPart = 1.0
        var time: Double
        var hands = 1
        var isWaiting = false
        /// How often its speed has changed.
        var changes = 0
    }

    private let workload: Workload
    private var queue: BatchQueue
    private var moments = Heap<Moment>()
    private var momentCount = 0
    private var running: [BatchID: Running] = [:]
    private var requests: [Request] = []
    private var outcome = Workload.Outcome()
    private var completedTokens = 0
    private var floods: [RequestID: (slot: Int, time: Double)] = [:]
    private var floodCount: UInt64 = 0
    private static let floodNumbers: UInt64 = 1 << 40

    init(workload: Workload, configuration: BatchConfiguration) {
        self.workload = workload
        queue = BatchQueue(configuration: configuration)
    }

    mutating func run() -> Workload.Outcome {
        requests = workload.arrivals()
        for worker in 0..<workload.engine.workers { step(.workerFree(worker), at: 0) }
        for slot in 0..<(workload.flood?.inFlight ?? 0) { submitFlood(slot, at: 0) }
        for (number, request) in requests.enumerated() {
            while let first = moments.min, first.time <= request.time { pass(moments.removeMin()) }
            var arrival = BatchQueue.Arrival(
                request: RequestID(UInt64(number)), tokenCounts: request.tokenCounts)
            arrival.client = request.client
            outcome.arrived += 1
            step(.arrive(arrival), at: request.time)
        }
        while let first = moments.min, first.time <= workload.seconds { pass(moments.removeMin()) }
        let possible = workload.seconds * workload.engine.tokensPerSecond
        outcome.goodput = Double(completedTokens) / possible
        while let moment = moments.popMin() { pass(moment) }
        for kind in Workload.Kind.allCases { outcome.latencies[kind]?.sort() }
        return outcome
    }

    private mutating func pass(_ moment: Moment) {
        switch moment.happening {
        case .flood(let slot): submitFlood(slot, at: moment.time)
        case .joined(let id): change(id, at: moment.time) { $0.hands += 1 }
        case .left(let worker, let id):
            change(id, at: moment.time) { $0.hands -= 1 }
            step(.helperLeft(worker: worker, id), at: moment.time)
        case .layerDone(let id, let change):
            guard running[id]?.changes == change else { return }
            endLayer(of: id, at: moment.time)
        }
    }

    private mutating func endLayer(of id: BatchID, at time: Double) {
        change(id, at: time) { batch in
            batch.layersLeft -= 1
            batch.layerPart = 1
        }
        if running[id]?.layersLeft == 0 {
            let outer = running.removeValue(forKey: id)?.batch.interrupts
            step(.batchDone(id, succeeded: true), at: time)
            if let outer { change(outer, at: time) { $0.isWaiting = false } }
        } else if queue.queuedItems > 0 {
            step(.layerDone(id), at: time)
        }
    }

    /// Notes how far the batch is, changes its speed, and sets the time of its layer's end anew.
    private mutating func change(
        _ id: BatchID, at time: Double, _ body: (inout Running) -> Void
    ) {
        guard var batch = running[id] else { return }
        let engine = workload.engine
        func secondsPerLayer() -> Double {
            engine.seconds(tokens: batch.batch.tokens, hands: batch.hands) / Double(engine.layers)
        }
        if !batch.isWaiting { batch.layerPart -= (time - batch.time) / secondsPerLayer() }
        batch.time = time
        batch.changes += 1
        body(&batch)
        running[id] = batch
        guard !batch.isWaiting, batch.layersLeft > 0 else { return }
        schedule(
            .layerDone(id, change: batch.changes),
            at: time + max(batch.layerPart, 0) * secondsPerLayer())
    }

    private mutating func schedule(_ happening: Moment.Happening, at time: Double) {
        momentCount += 1
        moments.insert(Moment(time: time, number: momentCount, happening: happening))
    }

    private mutating func step(_ event: BatchQueue.Event, at time: Double) {
        let now = MonotonicTime(nanoseconds: Int64(time * 1e9))
        for action in queue.step(event, now: now) {
            switch action {
            case .start(let batch):
                running[batch.id] = Running(
                    batch: batch, layersLeft: workload.engine.layers, time: time)
                if let outer = batch.interrupts {
                    change(outer, at: time) { $0.isWaiting = true }
                }
                change(batch.id, at: time) { _ in }
            case .join(_, let id):
                schedule(.joined(id), at: time + workload.engine.secondsToJoin)
            case .leave(let worker, let id):
                schedule(
                    .left(worker: worker, id), at: time + workload.engine.secondsToLeave)
            case .complete(let id) where id.value >= Self.floodNumbers: flood(id, at: time)
            case .complete(let id): complete(requests[Int(id.value)], at: time)
            case .refuse: outcome.refused += 1
            case .admit, .wantsMore, .deliver, .fail, .drained, .discard, .rouse: break
            }
        }
    }

    /// The next request in the place of one that is answered, at the next event's time.
    private mutating func flood(_ id: RequestID, at time: Double) {
        guard let flood = workload.flood, let (slot, start) = floods.removeValue(forKey: id) else {
            return
        }
        if flood.isCounted {
            let request = Request(
                time: start, kind: .query, tokenCounts: flood.tokenCounts, client: .anonymous)
            complete(request, at: time)
        }
        if time < workload.seconds { schedule(.flood(slot: slot), at: time) }
    }

    private mutating func submitFlood(_ slot: Int, at time: Double) {
        guard let flood = workload.flood else { return }
        floodCount += 1
        let id = RequestID(Self.floodNumbers + floodCount)
        floods[id] = (slot, time)
        var arrival = BatchQueue.Arrival(request: id, tokenCounts: flood.tokenCounts)
        if flood.isCounted { arrival.client = ClientKey(UInt64(slot + 1)) }
        step(.arrive(arrival), at: time)
    }

    private mutating func complete(_ request: Request, at time: Double) {
        completedTokens += request.tokenCounts.reduce(0, +)
        guard request.time > workload.seconds / 10 else { return }
        outcome.latencies[request.kind, default: []].append((time - request.time) * 1e3)
    }
}

extension Double {
    /// The natural logarithm of a number in `0...1`, without the C library's last-bit differences:
    /// the report must be the same on every machine.
    fileprivate static func logarithm(_ value: Double) -> Double {
        guard value > 0 else { return -745 }
        let exponent = Double(value.exponent) + 1
        let ratio = (value.significand / 2 - 1) / (value.significand / 2 + 1)
        var power = ratio
        var sum = 0.0
        for denominator in stride(from: 1.0, to: 60, by: 2) {
            sum += power / denominator
            power *= ratio * ratio
        }
        return 2 * sum + exponent * 0.693147180559945309417
    }
}
