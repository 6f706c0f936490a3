import Platform

/// What one worker computes, in tokens a second: a mean over the recent batches, by time.
struct ThroughputEstimate {
    /// How much of the past each new batch leaves.
    private static let memory = 0.95
    /// A first guess weighs as much as a batch of this many tokens.
    private static let guessTokens = 256.0

    private var tokens: Double
    private var seconds: Double

    init(guess tokensPerSecond: Double) {
        tokens = Self.guessTokens
        seconds = Self.guessTokens / tokensPerSecond
    }

    var tokensPerSecond: Double { tokens / max(seconds, 1e-9) }

    mutating func observe(tokens: Int, in duration: TimeSpan) {
        guard duration > .zero else { return }
        self.tokens = self.tokens * Self.memory + Double(tokens)
        seconds = seconds * Self.memory + duration.seconds
    }
}
