import HTTPServer
import HTTPWire
import Platform

/// Decides who may send requests, and how many tokens they may use.
package final class AccessControl: Sendable {
    /// Nil when no keys are asked for.
    private let file: KeyFile?
    private let ledger = QuotaLedger()
    let metrics: AccessMetrics

    /// Reads the key file if there is to be one.
    ///
    /// - Throws: ``StartError`` that names the file and the line.
    package init(keyFile path: String?, metrics: AccessMetrics) throws(StartError) {
        self.metrics = metrics
        file = if let path { try KeyFile(path: path) } else { nil }
        if let ring = file?.ring { adopt(ring) }
    }

    /// Whether requests need a key at all.
    package var asksForKeys: Bool { file != nil }

    // MARK: Keys

    /// The key that a request shows; nil when no keys are asked for.
    ///
    /// - Throws: the 401, which is the same for keys that are unknown, revoked or expired.
    package func key(
        of fields: HTTPFields, atSeconds now: Int = wallClockSeconds()
    ) throws(APIError) -> APIKey? {
        guard let ring = file?.ring else { return nil }
        switch Credential(fields) {
        case .none:
            metrics.failures[.missing]?.add()
            throw .unauthorized(isKeyShown: false)
        case .malformed:
            metrics.failures[.invalid]?.add()
            throw .unauthorized(isKeyShown: true)
        case .key(let bytes):
            guard let digest = KeyDigest(of: bytes), let key = ring.key(for: digest) else {
                metrics.failures[.invalid]?.add()
                throw .unauthorized(isKeyShown: true)
            }
            guard !key.isExpired(atSeconds: now) else {
                metrics.failures[.expired]?.add()
                throw .unauthorized(isKeyShown: true)
            }
            return key
        }
    }

    // MARK: Quotas

    /// Refuses a client that has used up its quota before its request's content is read.
    func checkQuota(of key: APIKey, at now: MonotonicTime = .now) throws(APIError) {
        guard let (_, standing) = ledger.take(0, of: key, at: now), standing.remaining < 1 else {
            return
        }
        try take(1, of: key, at: now)
    }

    /// Takes a request's tokens from the client's quota, all or none.
    ///
    /// - Returns: how the quota stands then; nil when there is none.
    @discardableResult
    func take(
        _ tokens: Int, of key: APIKey, at now: MonotonicTime = .now
    ) throws(APIError) -> QuotaStanding? {
        guard let (isGranted, standing) = ledger.take(tokens, of: key, at: now) else { return nil }
        guard isGranted else {
            metrics.client(key.name)?.refusals.add()
            throw .quotaExceeded(standing, tokens: tokens)
        }
        return standing
    }

    /// Puts tokens back that were taken for a request that was then refused.
    func giveBack(_ tokens: Int, to key: APIKey) {
        ledger.giveBack(tokens, to: key)
    }

    // MARK: Reload

    /// Whether the key file is not what was last looked at.
    var keyFileHasChanged: Bool { file?.hasChanged ?? false }

    /// Reads the key file again; when that fails the keys stay as they were.
    ///
    /// - Returns: the number of keys; nil without a key file.
    func reloadKeys() throws(KeyRing.Problem) -> Int? {
        guard let file else { return nil }
        do throws(KeyRing.Problem) {
            let ring = try file.reload()
            adopt(ring)
            return ring.keys.count
        } catch {
            metrics.reloadsFailed.add()
            throw KeyRing.Problem(description: "\(file.path): \(error)")
        }
    }

    private func adopt(_ ring: KeyRing) {
        let names = Set(ring.keys.map(\.name))
        metrics.register(names)
        ledger.keep(names)
    }
}
