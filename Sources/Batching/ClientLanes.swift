/// One model's waiting requests: a lane for each client, the best request at each lane's head.
///
/// A request's rank is its own; a lane's is its head's rank and, on top, its client's account, so
/// that what a client was given beyond others counts like work that still lies before it.
struct ClientLanes {
    /// Lower goes first; equal values go by age.
    struct Rank: Comparable {
        var value: Double
        var request: RequestID

        static func < (left: Rank, right: Rank) -> Bool {
            left.value != right.value ? left.value < right.value : left.request < right.request
        }
    }

    /// How many tokens of rank one token of excess costs.
    let fairness: Double

    private struct Lane {
        var order = IndexedHeap<RequestID, Rank>()
        /// The lane's requests, hidden ones too.
        var count = 0
    }

    private var lanes: [ClientKey: Lane] = [:]
    private var heads = IndexedHeap<ClientKey, Rank>()
    private var share: FairShare<ClientKey>
    private(set) var requestCount = 0

    init(fairness: Double, excessMaximum: Double) {
        self.fairness = fairness
        share = FairShare(excessMaximum: excessMaximum)
    }

    var isEmpty: Bool { heads.isEmpty }
    var accountCount: Int { share.accountCount }

    /// The request to serve next; its rank does not depend on how long this model has been served.
    var best: Rank? {
        heads.first.map {
            Rank(
                value: $0.rank.value - fairness * share.virtualTime, request: $0.rank.request)
        }
    }

    /// The rank that a request of `client` with this value of its own competes with.
    func competingValue(_ value: Double, of client: ClientKey) -> Double {
        value + fairness * share.excess(client)
    }

    func excess(_ client: ClientKey) -> Double { share.excess(client) }

    mutating func insert(_ request: RequestID, of client: ClientKey, value: Double) {
        requestCount += 1
        share.resume(client)
        lanes[client, default: Lane()].count += 1
        show(request, of: client, value: value)
    }

    /// The request has nothing left to start.
    mutating func remove(_ request: RequestID, of client: ClientKey) {
        requestCount -= 1
        lanes[client]?.order.remove(request)
        lanes[client]?.count -= 1
        if lanes[client]?.count == 0 {
            lanes[client] = nil
            share.pause(client)
        }
        rankLane(client)
    }

    mutating func charge(_ client: ClientKey, tokens: Int) {
        share.charge(client, tokens: tokens)
        rankLane(client)
    }

    /// Takes the request out of the order without an end to its waiting; `show` puts it back.
    mutating func hide(_ request: RequestID, of client: ClientKey) {
        lanes[client]?.order.remove(request)
        rankLane(client)
    }

    /// The request's value has changed; a hidden one stays hidden.
    mutating func moved(_ request: RequestID, of client: ClientKey, value: Double) {
        guard lanes[client]?.order[request] != nil else { return }
        show(request, of: client, value: value)
    }

    mutating func show(_ request: RequestID, of client: ClientKey, value: Double) {
        lanes[client]?.order.set(request, Rank(value: value, request: request))
        rankLane(client)
    }

    private mutating func rankLane(_ client: ClientKey) {
        guard let head = lanes[client]?.order.first else { return heads.remove(client) }
        heads.set(
            client,
            Rank(
                value: head.rank.value + fairness * share.account(client),
                request: head.rank.request))
    }
}
