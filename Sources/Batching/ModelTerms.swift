/// On what terms the queue serves one of several models.
package struct ModelTerms: Hashable, Sendable {
    /// A micro-batch's budget in the model's tokens; nil for the configuration's.
    package var batchTokensMaximum: Int?
    /// What a token of the model costs, in tokens of one that computes `tokensPerSecond`: models
    /// share the workers by cost, so that a slow one gets as much time as a fast one.
    package var tokenCost: Double
    /// Whether several workers can compute one batch of the model together.
    package var isDivisible: Bool

    /// Terms that the queue keeps in bounds: budgets from 1, costs from a thousandth to a thousand.
    package init(
        batchTokensMaximum: Int? = nil, tokenCost: Double = 1, isDivisible: Bool = true
    ) {
        self.batchTokensMaximum = batchTokensMaximum.map { max($0, 1) }
        self.tokenCost = tokenCost.isNaN ? 1 : min(max(tokenCost, 1e-3), 1e3)
        self.isDivisible = isDivisible
    }
}

/// What is in the queue of one model at one moment.
package struct ModelSnapshot: Hashable, Sendable {
    /// Admitted requests with an item that has not started.
    package var queuedRequests = 0
    /// Tokens of items that have not started; equal texts count each time.
    package var queuedTokens = 0
    /// Admitted requests without an outcome, queued or running.
    package var admittedRequests = 0
    /// Batches that are being computed.
    package var runningBatches = 0

    package init() {}
}

extension BatchQueue {
    /// Takes the model's terms, or forgets what is kept about it once it has nothing waiting.
    mutating func setTerms(_ terms: ModelTerms?, of model: ModelID) {
        self.terms[model] = terms
        for model in Array(models.keys) { forgetIfGone(model) }
    }

    /// A model without terms, beside others with, was unloaded: its lanes go with its last request.
    mutating func forgetIfGone(_ model: ModelID) {
        guard terms[model] == nil, !terms.isEmpty, models[model]?.requestCount == 0 else { return }
        models[model] = nil
    }

    /// A micro-batch's budget in tokens of the model.
    func batchTokensMaximum(of model: ModelID) -> Int {
        terms[model]?.batchTokensMaximum ?? configuration.batchTokensMaximum
    }

    /// What tokens of the model count in its share of the workers.
    func cost(of tokens: Int, _ model: ModelID) -> Int {
        guard let cost = terms[model]?.tokenCost else { return tokens }
        return max(1, Int((Double(tokens) * cost).rounded()))
    }

    var modelSnapshots: [ModelID: ModelSnapshot] {
        var snapshots = terms.mapValues { _ in ModelSnapshot() }
        for request in requests.values {
            snapshots[request.model, default: ModelSnapshot()].admittedRequests += 1
            guard request.queuedItems > 0 else { continue }
            snapshots[request.model]?.queuedRequests += 1
            snapshots[request.model]?.queuedTokens += request.queuedTokens
        }
        for running in running.values {
            snapshots[running.batch.model, default: ModelSnapshot()].runningBatches += 1
        }
        return snapshots
    }
}
