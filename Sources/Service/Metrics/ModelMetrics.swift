import Batching

/// The instruments of one model, under its name; all series exist from the start, at zero.
final class ModelMetrics: Sendable {
    /// The value of the label `model`.
    let label: String

    let tokenizationDuration = Histogram(bounds: Histogram.latencyBounds)
    let queueDuration = Histogram(bounds: Histogram.latencyBounds)
    let inferenceDuration = Histogram(bounds: Histogram.latencyBounds)
    let batchTexts = Histogram(bounds: Histogram.powersOfTwo(through: 256))
    let batchTokens = Histogram(bounds: Histogram.powersOfTwo(through: 16384))
    let inputTokens = Histogram(bounds: Histogram.powersOfTwo(through: 8192))

    let texts = Counter()
    let tokens = Counter()
    let truncations = Counter()
    let rejections = Dictionary(
        uniqueKeysWithValues: AdmissionRefusal.Reason.allCases.map { ($0, Counter()) })
    let outcomes = Dictionary(
        uniqueKeysWithValues: RequestOutcome.allCases.map { ($0, Counter()) })

    init(label: String) {
        self.label = label
    }

    /// Counts the texts of one request that was taken.
    func countAdmitted(_ count: Int, tokens: Int) {
        texts.add(count)
        self.tokens.add(tokens)
    }

    /// Counts one batch that was computed.
    func count(_ report: BatchReport) {
        batchTexts.observe(Double(report.items))
        batchTokens.observe(Double(report.tokens))
        inferenceDuration.observe(report.duration.seconds)
    }

    /// Counts the end of one request that was admitted.
    func count(_ outcome: RequestOutcome, _ timings: BatchTimings) {
        outcomes[outcome]?.add()
        if timings.started != nil { queueDuration.observe(timings.wait.seconds) }
    }
}

/// The instruments of all models: by name, for the text, and by the queue's number.
struct ModelMetricsTable {
    /// In the order in which the models are configured.
    private(set) var shown: [ModelMetrics] = []
    private var made: [String: ModelMetrics] = [:]
    private(set) var byID: [ModelID: ModelMetrics] = [:]

    /// The instruments under a name; those that there are, if there are any.
    mutating func model(_ label: String) -> ModelMetrics {
        if let metrics = made[label] { return metrics }
        let metrics = ModelMetrics(label: label)
        made[label] = metrics
        return metrics
    }

    /// Shows these alone from now on; the numbers of others begin at zero when they return.
    mutating func show(_ labels: [String]) {
        shown = labels.map { model($0) }
        made = made.filter { labels.contains($0.key) }
    }

    /// What the queue does for `id` is counted in `metrics`; nil when the model has gone.
    mutating func assign(_ metrics: ModelMetrics?, to id: ModelID) {
        byID[id] = metrics
    }
}
