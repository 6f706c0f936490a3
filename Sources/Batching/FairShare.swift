/// Who has been served how much, compared with those who were waiting at the same time.
///
/// Start-time fair queueing's accounting (Goyal, Vin, Cheng 1996): an account counts the tokens
/// served; the virtual time is the smallest account of those who wait now; who comes back after a
/// pause starts at the virtual time, so that pausing saves up nothing. An account's excess over the
/// virtual time is what others still have to be given, and is forgotten above `excessMaximum`.
struct FairShare<ID: Hashable> {
    let excessMaximum: Double
    /// Accounts of those who pause are kept only up to this many, the largest excesses first.
    let pausedMaximum = 1024

    private(set) var virtualTime = 0.0
    private var waiting = IndexedHeap<ID, Double>()
    private var paused: [ID: Double] = [:]

    init(excessMaximum: Double) {
        self.excessMaximum = excessMaximum
    }

    var accountCount: Int { waiting.count + paused.count }

    /// The tokens on `id`'s account, never less than the virtual time.
    func account(_ id: ID) -> Double {
        max(waiting[id] ?? paused[id] ?? virtualTime, virtualTime)
    }

    func excess(_ id: ID) -> Double { account(id) - virtualTime }

    /// `id` has something in the queue from now on.
    mutating func resume(_ id: ID) {
        guard waiting[id] == nil else { return }
        waiting.set(id, account(id))
        paused[id] = nil
    }

    /// `id` has nothing in the queue any more.
    mutating func pause(_ id: ID) {
        guard let account = waiting[id] else { return }
        waiting.remove(id)
        paused[id] = account
        advance()
        if waiting.isEmpty {
            // Nobody is owed anything.
            virtualTime = max(virtualTime, account)
            paused.removeAll(keepingCapacity: true)
        } else if paused.count > pausedMaximum {
            forget()
        }
    }

    /// Puts `tokens` on the account of `id`, which must be waiting.
    mutating func charge(_ id: ID, tokens: Int) {
        waiting.set(id, min(account(id) + Double(tokens), virtualTime + excessMaximum))
        advance()
    }

    private mutating func advance() {
        if let least = waiting.first { virtualTime = max(virtualTime, least.rank) }
    }

    private mutating func forget() {
        paused = paused.filter { $0.value > virtualTime }
        guard paused.count > pausedMaximum else { return }
        let least = paused.values.sorted(by: >)[pausedMaximum / 2]
        paused = paused.filter { $0.value > least }
    }
}
