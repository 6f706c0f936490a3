import Platform

/// Where the time of an encoder's batches goes; a workspace that has none measures nothing.
package final class StageTimes {
    package enum Stage: String, CaseIterable, Sendable {
        case embedding
        /// Rows to eight bits.
        case quantization
        case queryKeyValue = "query_key_value"
        case attention
        /// Attention's output layer.
        case projection
        case feedForward = "feed_forward"
        case norm
        case pooling
    }

    private var seconds = [Stage: Double]()

    package init() {}

    /// The seconds spent in `stage` so far.
    package subscript(stage: Stage) -> Double {
        get { seconds[stage] ?? 0 }
        set { seconds[stage] = newValue }
    }

    /// Runs `body` and, where `times` is there, adds how long it took.
    @inline(__always)
    static func timed(_ times: StageTimes?, _ stage: Stage, _ body: () -> Void) {
        guard let times else {
            body()
            return
        }
        let start = MonotonicTime.now
        body()
        times[stage] += MonotonicTime.now.interval(since: start).seconds
    }
}

extension LinearPlace {
    var stage: StageTimes.Stage {
        switch self {
        case .queryKeyValue: .queryKeyValue
        case .attentionOutput: .projection
        case .intermediate, .output: .feedForward
        }
    }
}
