/// Lower goes first; equal values go by age.
struct Rank: Comparable {
    var value: Double
    var request: RequestID

    static func < (left: Rank, right: Rank) -> Bool {
        left.value != right.value ? left.value < right.value : left.request < right.request
    }
}

/// What a request competes with, lower first.
struct Standing {
    /// Its remaining work, and its priority's penalty, in tokens.
    var work: Double
    /// When it came, in what waiting is worth: tokens.
    var arrival: Double

    var byAge: Double { work + arrival }

    /// A request does not pass an older one that has up to this many times its work.
    static let similarity = 2.0
}

/// One model's waiting requests, in two orders: by work alone, and by work less waiting.
struct ClientLanes {
    /// By work: what is short goes first, however long others have waited.
    private(set) var byWork: LaneOrder
    /// By age too: nothing stays behind for ever.
    private(set) var byAge: LaneOrder
    private var share: FairShare<ClientKey>
    private var counts: [ClientKey: Int] = [:]
    private(set) var requestCount = 0
    private let fairness: Double

    init(fairness: Double, excessMaximum: Double) {
        self.fairness = fairness
        byWork = LaneOrder()
        byAge = LaneOrder()
        share = FairShare(excessMaximum: excessMaximum)
    }

    /// What is to be taken off a lane's rank to compare it with other models' lanes.
    private var base: Double { fairness * share.virtualTime }

    var bestByWork: Rank? { byWork.best(base: base) }
    var bestByAge: Rank? { byAge.best(base: base) }

    mutating func insert(_ request: RequestID, of client: ClientKey, _ standing: Standing) {
        requestCount += 1
        counts[client, default: 0] += 1
        share.resume(client)
        let surcharge = surcharge(client)
        byWork.set(request, of: client, value: standing.work, surcharge: surcharge)
        byAge.set(request, of: client, value: standing.byAge, surcharge: surcharge)
    }

    /// The request's work has changed; one that is hidden stays hidden.
    mutating func moved(_ request: RequestID, of client: ClientKey, _ standing: Standing) {
        let surcharge = surcharge(client)
        byWork.move(request, of: client, value: standing.work, surcharge: surcharge)
        byAge.move(request, of: client, value: standing.byAge, surcharge: surcharge)
    }

    /// The request has nothing left to start.
    mutating func remove(_ request: RequestID, of client: ClientKey) {
        requestCount -= 1
        let surcharge = surcharge(client)
        byWork.remove(request, of: client, surcharge: surcharge)
        byAge.remove(request, of: client, surcharge: surcharge)
        let left = (counts[client] ?? 1) - 1
        counts[client] = left == 0 ? nil : left
        if left == 0 { share.pause(client) }
    }

    mutating func charge(_ client: ClientKey, tokens: Int) {
        share.charge(client, tokens: tokens)
        let surcharge = surcharge(client)
        byWork.rankLane(client, surcharge: surcharge)
        byAge.rankLane(client, surcharge: surcharge)
    }

    /// Takes the request out of the order by work for a while; `show` puts it back.
    mutating func hide(_ request: RequestID, of client: ClientKey) {
        byWork.remove(request, of: client, surcharge: surcharge(client))
    }

    mutating func show(_ request: RequestID, of client: ClientKey, _ standing: Standing) {
        byWork.set(request, of: client, value: standing.work, surcharge: surcharge(client))
    }

    private func surcharge(_ client: ClientKey) -> Double { fairness * share.account(client) }
}

/// A lane for each client, the best request at each lane's head.
///
/// A request's rank is its own; a lane's is its head's rank and, on top, its client's surcharge, so
/// that what a client was given beyond others counts like work that still lies before it.
struct LaneOrder {
    private var lanes: [ClientKey: IndexedHeap<RequestID, Rank>] = [:]
    private var heads = IndexedHeap<ClientKey, Rank>()

    func best(base: Double) -> Rank? {
        heads.first.map { Rank(value: $0.rank.value - base, request: $0.rank.request) }
    }

    mutating func set(
        _ request: RequestID, of client: ClientKey, value: Double, surcharge: Double
    ) {
        lanes[client, default: IndexedHeap()].set(request, Rank(value: value, request: request))
        rankLane(client, surcharge: surcharge)
    }

    mutating func move(
        _ request: RequestID, of client: ClientKey, value: Double, surcharge: Double
    ) {
        guard lanes[client]?[request] != nil else { return }
        set(request, of: client, value: value, surcharge: surcharge)
    }

    mutating func remove(_ request: RequestID, of client: ClientKey, surcharge: Double) {
        lanes[client]?.remove(request)
        if lanes[client]?.isEmpty == true { lanes[client] = nil }
        rankLane(client, surcharge: surcharge)
    }

    mutating func rankLane(_ client: ClientKey, surcharge: Double) {
        guard let head = lanes[client]?.first else { return heads.remove(client) }
        heads.set(
            client, Rank(value: head.rank.value + surcharge, request: head.rank.request))
    }
}
