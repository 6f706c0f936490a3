/// How much work waits, in all and by size: enough to say about how much of it goes before a newcomer.
///
/// Requests are put into classes by the binary magnitude of their remaining work and by priority.
/// A class counts as in front of a newcomer when its mean rank is; that costs one addition a class
/// instead of a look at every request, and errs by no more than half a class.
struct QueuedWork {
    private struct Class {
        var requests = 0
        var tokens = 0
        /// Sums over the requests, for the means.
        var work = 0.0
        var byAge = 0.0
    }

    private static let magnitudes = 64

    let tokensMaximum: Int
    private var classes = [Class](repeating: Class(), count: 2 * magnitudes)
    /// Requests with an item that has not started.
    private(set) var requests = 0
    /// Items that have not started; items that share their work are counted each.
    private(set) var items = 0
    /// Tokens of works that have not started, each work once.
    var uniqueTokens = 0

    init(tokensMaximum: Int) {
        self.tokensMaximum = tokensMaximum
    }

    mutating func add(_ request: BatchQueue.Request, _ standing: Standing) {
        guard request.queuedItems > 0 else { return }
        let index = classIndex(request)
        classes[index].requests += 1
        classes[index].tokens += request.queuedTokens + request.tokensToCome
        classes[index].work += standing.work
        classes[index].byAge += standing.byAge
        requests += 1
        items += request.queuedItems
    }

    mutating func remove(_ request: BatchQueue.Request, _ standing: Standing) {
        guard request.queuedItems > 0 else { return }
        let index = classIndex(request)
        classes[index].requests -= 1
        classes[index].tokens -= request.queuedTokens + request.tokensToCome
        classes[index].work -= standing.work
        classes[index].byAge -= standing.byAge
        // Rounding errors do not outlive the class's last request.
        if classes[index].requests == 0 { classes[index] = Class() }
        requests -= 1
        items -= request.queuedItems
    }

    /// About how many tokens go before a newcomer that has `own` tokens.
    ///
    /// All that is shorter or of about its size, and of what only its age brings before it, no more
    /// than age's share.
    func tokens(before newcomer: Standing, own: Int, ageShare: Double) -> Int {
        var shorter = 0
        var older = 0
        for each in classes where each.requests > 0 {
            let count = Double(each.requests)
            if each.work <= Standing.similarity * newcomer.work * count {
                shorter += each.tokens
            } else if each.byAge <= newcomer.byAge * count {
                older += each.tokens
            }
        }
        let turns = Double(shorter + own) * ageShare / (1 - ageShare)
        return shorter + min(older, Int(turns))
    }

    private func classIndex(_ request: BatchQueue.Request) -> Int {
        let work = min(request.queuedTokens + request.tokensToCome, tokensMaximum)
        let magnitude = Int.bitWidth - work.leadingZeroBitCount
        return request.priority == .bulk ? Self.magnitudes + magnitude : magnitude
    }
}
