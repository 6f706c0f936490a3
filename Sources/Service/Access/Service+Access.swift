import HTTPServer
import HTTPWire
import Logging

extension Service {
    /// The key that the request shows; nil where none is needed.
    ///
    /// - Throws: the 401 when the path needs a key and none is shown that counts.
    func key(of head: RequestHead) throws(APIError) -> APIKey? {
        needsKey(head) ? try access.key(of: head.fields) : nil
    }

    /// Who asks, and under which name.
    func context(
        of head: RequestHead, from peer: Peer, showing key: APIKey?
    ) -> RequestContext {
        var context = RequestContext(id: RequestID.of(head), client: Client(peer))
        context.origin = cors.allowedOrigin(of: head.fields)
        if let key { context.identify(as: key) }
        return context
    }

    /// Whether this request is for those with a key alone.
    ///
    /// Everything is but health, which balancers ask for, and what the operator has opened: also
    /// paths that do not exist, so that nobody learns from the difference.
    private func needsKey(_ head: RequestHead) -> Bool {
        let route = Route(path: head.path)
        if route != nil && cors.isPreflight(head) { return false }
        return switch route {
        case .health, .live, .ready: false
        case .metrics: configuration.metricsAccessInForce != .open
        case .embeddings, .tokenize, .models, nil: true
        }
    }

    // MARK: Quotas

    /// Takes a request's tokens from its client's quota.
    ///
    /// - Returns: the context, which knows then how the quota stands.
    func charge(
        _ tokens: Int, to context: RequestContext
    ) throws(APIError) -> RequestContext {
        guard let key = context.key else { return context }
        var context = context
        context.quota = try access.take(tokens, of: key)
        return context
    }

    /// Counts texts that are answered or in the queue.
    func countAdmitted(
        _ count: Int, tokens: Int, _ model: ServedModel, of context: RequestContext
    ) {
        model.metrics.countAdmitted(count, tokens: tokens)
        if let key = context.key { metrics.access.client(key.name)?.tokens.add(tokens) }
    }

    /// Undoes `charge` for a request that was refused after it.
    func giveBack(_ tokens: Int, to context: RequestContext) {
        guard let key = context.key else { return }
        access.giveBack(tokens, to: key)
    }

    // MARK: Reload

    /// Reads the key file again, now.
    package func reloadKeys() {
        do throws(KeyRing.Problem) {
            guard let count = try access.reloadKeys() else { return }
            logger.info("keys loaded", metadata: ["keys": .stringConvertible(count)])
        } catch {
            logger.error(
                "the keys could not be loaded again; the old ones stay",
                metadata: ["reason": .string(error.description)])
        }
    }

    /// Reads the key file again when it has changed.
    package func reloadKeysIfChanged() {
        if access.keyFileHasChanged { reloadKeys() }
    }
}
