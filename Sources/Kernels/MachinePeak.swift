import CKernels
import Platform

/// What the arithmetic of one core can do with these kernels, memory aside, measured now.
///
/// The kernels' own multiply-add runs in registers for a few milliseconds; a share of this number says
/// how much of the machine a computation uses.
package enum MachinePeak {
    /// Operations a second (a multiplication and an addition are two) of the calling thread's core.
    package static func operationsPerSecond(
        _ type: NumericType, _ kernels: Kernels, seconds: Double = 0.02
    ) -> Double {
        let kind: ck_kind =
            switch type {
            case .float32: CK_KIND_F32
            case .bfloat16: CK_KIND_BF16
            case .int8: CK_KIND_INT8
            }
        var best = 0.0
        let start = MonotonicTime.now
        // The best of short runs: whatever else ran meanwhile only makes a run slower.
        repeat {
            let before = MonotonicTime.now
            let operations = kernels.table.pointee.exercise(kind, 4_000)
            let elapsed = MonotonicTime.now.interval(since: before).seconds
            if elapsed > 0 { best = max(best, Double(operations) / elapsed) }
        } while MonotonicTime.now.interval(since: start).seconds < seconds
        return best
    }
}

extension Kernels {
    /// What `--dtype auto` stands for: bfloat16 where this processor multiplies it clearly faster than
    /// float32, by a measurement of two milliseconds, for some have the instruction and are slow at it.
    package var fastestFaithfulType: NumericType {
        let float32 = MachinePeak.operationsPerSecond(.float32, self, seconds: 0.001)
        let bfloat16 = MachinePeak.operationsPerSecond(.bfloat16, self, seconds: 0.001)
        return bfloat16 > 1.3 * float32 ? .bfloat16 : .float32
    }
}
