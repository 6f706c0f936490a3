import Platform

/// A quota of tokens a minute, as a bucket that holds a minute's worth and fills at an even rate.
///
/// A value without a clock: the time is a parameter.
package struct TokenQuota: Sendable {
    package let tokensPerMinute: Int
    private var balance: Double
    private var updatedAt: MonotonicTime

    /// A full bucket.
    package init(tokensPerMinute: Int, at now: MonotonicTime) {
        self.tokensPerMinute = tokensPerMinute
        balance = Double(tokensPerMinute)
        updatedAt = now
    }

    /// Takes tokens out when they are there, all or none.
    ///
    /// - Returns: whether they were there, and how the bucket stands afterwards.
    package mutating func take(
        _ tokens: Int, at now: MonotonicTime
    ) -> (isGranted: Bool, standing: QuotaStanding) {
        refill(to: now)
        let isGranted = balance >= Double(tokens)
        if isGranted { balance -= Double(tokens) }
        return (isGranted, standing(wanted: isGranted ? 0 : tokens))
    }

    /// Puts tokens back that were taken for work which was then not done.
    package mutating func giveBack(_ tokens: Int) {
        balance = min(balance + Double(tokens), Double(tokensPerMinute))
    }

    private mutating func refill(to now: MonotonicTime) {
        let passed = max(0, now.interval(since: updatedAt).seconds)
        balance = min(balance + passed * tokensPerSecond, Double(tokensPerMinute))
        updatedAt = max(updatedAt, now)
    }

    private func standing(wanted: Int) -> QuotaStanding {
        QuotaStanding(
            limit: tokensPerMinute, remaining: Int(balance.rounded(.down)),
            secondsUntilFull: (Double(tokensPerMinute) - balance) / tokensPerSecond,
            secondsUntilEnough: wanted <= tokensPerMinute
                ? max(0, Double(wanted) - balance) / tokensPerSecond : nil)
    }

    private var tokensPerSecond: Double { Double(tokensPerMinute) / 60 }
}

/// How a client stands with its quota; becomes the `x-ratelimit-*` fields.
package struct QuotaStanding: Hashable, Sendable {
    /// Tokens in a minute.
    package var limit: Int
    package var remaining: Int
    package var secondsUntilFull: Double
    /// Until what was refused would be granted; nil when a minute's tokens are too few for it.
    package var secondsUntilEnough: Double?

    package init(
        limit: Int, remaining: Int, secondsUntilFull: Double, secondsUntilEnough: Double?
    ) {
        self.limit = limit
        self.remaining = remaining
        self.secondsUntilFull = secondsUntilFull
        self.secondsUntilEnough = secondsUntilEnough
    }
}
