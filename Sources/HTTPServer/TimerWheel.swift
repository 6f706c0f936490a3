import Platform

/// Deadlines of many connections at a coarse grain: setting one costs an append, whatever their number.
///
/// An entry that is overtaken by a later deadline is not searched for; its owner recognises it when
/// it comes up and enters the new time.
package struct TimerWheel {
    package struct Entry: Hashable {
        package var token: UInt64
        package var time: MonotonicTime

        package init(token: UInt64, time: MonotonicTime) {
            self.token = token
            self.time = time
        }
    }

    /// 512 slots of 125 ms turn once in 64 s: longer than any default deadline.
    private static let slotCount = 512
    private static let grain = TimeSpan.milliseconds(125)

    private var slots: [[Entry]] = Array(repeating: [], count: slotCount)
    private var count = 0
    /// No entry is due before the grain of this number.
    private var earliest = Int64.max

    package init() {}

    /// Enters a deadline; one in the past comes up at the next turn.
    package mutating func insert(_ entry: Entry) {
        // Rounded up: no deadline comes up early.
        let due = max(entry.time.nanoseconds, 0) / Self.grain.nanoseconds + 1
        slots[slot(due)].append(entry)
        count += 1
        earliest = min(earliest, due)
    }

    /// Takes out the entries whose time has passed at `now`.
    package mutating func expire(now: MonotonicTime) -> [Entry] {
        let present = now.nanoseconds / Self.grain.nanoseconds
        guard count > 0, earliest <= present else { return [] }
        var expired: [Entry] = []
        for number in earliest...min(present, earliest + Int64(Self.slotCount) - 1)
        where !slots[slot(number)].isEmpty {
            var later: [Entry] = []
            for entry in slots[slot(number)] {
                if entry.time <= now { expired.append(entry) } else { later.append(entry) }
            }
            slots[slot(number)] = later
        }
        count -= expired.count
        findEarliest(from: present + 1)
        return expired
    }

    /// How long a thread may sleep before `expire` is due; nil without entries.
    package func sleepMaximum(now: MonotonicTime) -> TimeSpan? {
        guard count > 0 else { return nil }
        let due = MonotonicTime(nanoseconds: earliest * Self.grain.nanoseconds)
        return max(due.interval(since: now), .zero)
    }

    /// An entry of a later turn may lie there: then the wheel is looked at once for nothing.
    private mutating func findEarliest(from first: Int64) {
        earliest = .max
        guard count > 0 else { return }
        for number in first..<(first + Int64(Self.slotCount)) where !slots[slot(number)].isEmpty {
            earliest = number
            return
        }
    }

    private func slot(_ number: Int64) -> Int { Int(number % Int64(Self.slotCount)) }
}
