import Platform

/// The quotas of all clients that have one, by name; they outlive a reload of the keys.
package final class QuotaLedger: Sendable {
    private let quotas = Locked<[String: TokenQuota]>([:])

    package init() {}

    /// Takes `tokens` from the quota of the key's name; nil when it has none.
    package func take(
        _ tokens: Int, of key: APIKey, at now: MonotonicTime
    ) -> (isGranted: Bool, standing: QuotaStanding)? {
        guard let limit = key.tokensPerMinute else { return nil }
        return quotas.withLock { quotas in
            if quotas[key.name]?.tokensPerMinute != limit {
                quotas[key.name] = TokenQuota(tokensPerMinute: limit, at: now)
            }
            return quotas[key.name]?.take(tokens, at: now)
        }
    }

    /// Puts tokens back that were taken for work which was then not done.
    package func giveBack(_ tokens: Int, to key: APIKey) {
        quotas.withLock { $0[key.name]?.giveBack(tokens) }
    }

    /// Forgets the clients that have no key any more.
    package func keep(_ names: Set<String>) {
        quotas.withLock { quotas in
            quotas = quotas.filter { names.contains($0.key) }
        }
    }
}
