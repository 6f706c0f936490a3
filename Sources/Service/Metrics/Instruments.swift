import Platform
import Synchronization

/// A number that only grows.
package final class Counter: Sendable {
    private let total = Atomic<Int>(0)

    package init() {}

    /// Adds `count`, which must not be negative.
    package func add(_ count: Int = 1) {
        assert(count >= 0)
        total.wrappingAdd(count, ordering: .relaxed)
    }

    /// The sum of everything added.
    package var value: Int { total.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
    private let current = Atomic<Int>(0)

    package init() {}

    /// Adds `change`, which may be negative.
    package func add(_ change: Int) {
        current.wrappingAdd(change, ordering: .relaxed)
    }

    /// Replaces the number.
    package func set(_ value: Int) {
        current.store(value, ordering: .relaxed)
    }

    /// The number now.
    package var value: Int { current.load(ordering: .relaxed) }
}

/// A distribution of observations over fixed buckets, as Prometheus counts it.
package final class Histogram: Sendable {
    /// Upper bounds (inclusive) of the buckets, ascending, without the infinite last one.
    package let bounds: [Double]

    private let state: Locked<Snapshot>

    /// Counts by bucket (the last is the infinite one; not cumulative), and the sum of observations.
    package struct Snapshot: Sendable {
        package var counts: [Int]
        package var sum: Double
    }

    /// - Precondition: `bounds` ascend.
    package init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        self.bounds = bounds
        state = Locked(Snapshot(counts: [Int](repeating: 0, count: bounds.count + 1), sum: 0))
    }

    /// Counts one observation.
    package func observe(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    /// What was observed so far, as one consistent picture.
    package var snapshot: Snapshot { state.withLock { $0 } }

    /// Latencies in seconds, from half a millisecond to half a minute.
    package static let latencyBounds: [Double] = [
        0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
    ]

    /// Powers of two, for sizes counted in texts or tokens.
    package static func powersOfTwo(through last: Int) -> [Double] {
        var bounds: [Double] = [1]
        while let bound = bounds.last, bound < Double(last) {
            bounds.append(bound * 2)
        }
        return bounds
    }
}
