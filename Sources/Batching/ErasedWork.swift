/// Items and rows as the scheduler's inside sees them: it passes them on and does not look at them.
///
/// `BatchScheduler` is generic for those who use it. What is behind it is not: code that is generic
/// over types of another module asks the runtime for their layout at every step, which cost a
/// request more than all that the queue decides.
typealias AnyItem = any Sendable
typealias AnyRow = any Sendable

/// A worker of any kind of work.
struct AnyWorker {
    let run: ([AnyItem], BatchContext) throws -> [AnyRow]
    let modelsChanged: () -> Void

    init<Item: Sendable, Output: Sendable>(_ worker: any BatchWorker<Item, Output>) {
        run = { items, context in try worker.run(items.map { cast($0) }, in: context) }
        modelsChanged = { worker.modelsChanged() }
    }
}

extension BatchRequest {
    var erased: BatchRequest<AnyItem> {
        var request = BatchRequest<AnyItem>(
            items: items, tokenCounts: tokenCounts, contentKeys: contentKeys)
        request.model = model
        request.client = client
        request.priority = priority
        request.deadline = deadline
        request.itemsToCome = itemsToCome
        request.tokensToCome = tokensToCome
        return request
    }
}

extension BatchSlice {
    var erased: BatchSlice<AnyItem> {
        var slice = BatchSlice<AnyItem>(
            items: items, tokenCounts: tokenCounts, contentKeys: contentKeys)
        slice.itemsToCome = itemsToCome
        slice.tokensToCome = tokensToCome
        return slice
    }
}

extension SliceFlow {
    var erased: SliceFlow<AnyRow> {
        let sliceDone = sliceDone
        return SliceFlow<AnyRow>(wantsMore: wantsMore) { number, rows in
            sliceDone(number, rows.map { cast($0) })
        }
    }
}

/// The value as what it was before the scheduler took it.
func cast<Value>(_ value: any Sendable) -> Value {
    guard let value = value as? Value else {
        preconditionFailure("a scheduler of \(Value.self) holds a \(type(of: value))")
    }
    return value
}
