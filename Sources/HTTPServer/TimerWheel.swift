import Platform

/// Deadlines of many connections at a coarse grain: setting one costs an append, whatever their number.
///
/// An entry that is overtaken by a later deadline is not searched for; its owner recognises it when
/// it comes up and enters the new time.
struct TimerWheel {
    struct Entry: Equatable {
        var token: UInt64
        var time: MonotonicTime
    }

    /// 512 slots of 125 ms turn once in 64 s: longer than any default deadline.
    private static let slotCount = 512
    private static let grain = TimeSpan.milliseconds(125)

    private var slots: [[Entry]] = Array(repeating: [], count: slotCount)
    private var count = 0
    /// The number of the first grain that has not been looked at.
    private var cursor: Int64

    init(now: MonotonicTime) {
        cursor = now.nanoseconds / Self.grain.nanoseconds
    }

    /// Enters a deadline; one in the past comes up at the next turn.
    mutating func insert(_ entry: Entry) {
        // Rounded up: no deadline comes up early.
        let due = max(entry.time.nanoseconds / Self.grain.nanoseconds + 1, cursor)
        slots[Int(due % Int64(Self.slotCount))].append(entry)
        count += 1
    }

    /// Takes out the entries whose time has passed at `now`.
    mutating func expire(now: MonotonicTime) -> [Entry] {
        let present = now.nanoseconds / Self.grain.nanoseconds
        guard count > 0, cursor <= present else {
            cursor = max(cursor, present + 1)
            return []
        }
        var expired: [Entry] = []
        let last = min(present, cursor + Int64(Self.slotCount) - 1)
        for number in cursor...last {
            let slot = Int(number % Int64(Self.slotCount))
            guard !slots[slot].isEmpty else { continue }
            var later: [Entry] = []
            for entry in slots[slot] {
                if entry.time <= now { expired.append(entry) } else { later.append(entry) }
            }
            slots[slot] = later
        }
        cursor = present + 1
        count -= expired.count
        return expired
    }

    /// How long a thread may sleep before `expire` is due; nil without entries.
    func sleepMaximum(now: MonotonicTime) -> TimeSpan? {
        guard count > 0 else { return nil }
        for number in cursor..<(cursor + Int64(Self.slotCount))
        where !slots[Int(number % Int64(Self.slotCount))].isEmpty {
            let due = MonotonicTime(nanoseconds: number * Self.grain.nanoseconds)
            return max(due.interval(since: now), .zero)
        }
        return nil
    }
}
