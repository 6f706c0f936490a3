import Platform

extension SchedulerCore {
    func extend(_ ticket: Ticket, with slice: BatchSlice<AnyItem>) {
        carryOut(
            state.withLock { state in
                guard let event = state.register(slice, of: ticket.request) else { return [] }
                return step(.extend(event), in: &state).effects
            })
    }
}

extension SchedulerState {
    /// Items of a request that came together, and whose rows are handed out together.
    struct Slice {
        var items: Range<Int>
        /// Items without a row.
        var missing: Int

        init(items: Range<Int>) {
            self.items = items
            missing = items.count
        }
    }

    /// Enters a slice in the tables, and answers what the queue is to know of it; nil when its
    /// request has ended.
    mutating func register(_ slice: BatchSlice<AnyItem>, of id: RequestID) -> BatchQueue.Slice? {
        guard admitted[id]?.flow != nil, var request = admitted.removeValue(forKey: id) else {
            return nil
        }
        let first = request.items.count
        var event = BatchQueue.Slice(request: id, tokenCounts: slice.tokenCounts)
        event.contents = slice.contentKeys.map { contents.acquire($0) }
        event.itemsToCome = slice.itemsToCome
        event.tokensToCome = slice.tokensToCome
        request.items += slice.items
        request.rows += Array(repeating: nil, count: slice.items.count)
        request.contentKeys += slice.contentKeys
        if !slice.items.isEmpty {
            request.slices.append(Slice(items: first..<request.items.count))
        }
        admitted[id] = request
        return event
    }

    /// Counts the item's row; the rows of its slice when that was the last, which are then forgotten
    /// here.
    mutating func takeSlice(of item: ItemReference) -> Effect? {
        let id = item.request
        guard let flow = admitted[id]?.flow,
            let number = admitted[id]?.slices.lastIndex(where: { $0.items.contains(item.index) })
        else { return nil }
        admitted[id]?.slices[number].missing -= 1
        guard admitted[id]?.slices[number].missing == 0,
            // Out of the table while it changes, so that its arrays are not copied.
            var request = admitted.removeValue(forKey: id)
        else { return nil }
        let items = request.slices[number].items
        let rows = request.rows[items].compactMap { $0 }
        for index in items {
            request.rows[index] = nil
            guard index < request.contentKeys.count else { continue }
            request.contentKeys[index].map { contents.release($0) }
            request.contentKeys[index] = nil
        }
        admitted[id] = request
        return .slice(flow.sliceDone, number, rows)
    }
}
