import Platform

/// What computes batches; made on its own compute thread and used by no other.
package protocol BatchWorker<Item, Output>: AnyObject {
    associatedtype Item: Sendable
    associatedtype Output: Sendable

    /// One output for each item, in order. All items are of one model.
    ///
    /// What it throws becomes the failure of the requests that have an item in this batch.
    func run(_ items: [Item]) throws -> [Output]

    /// The same, for a worker that can use a team or stop between layers.
    func run(_ items: [Item], in context: BatchContext) throws -> [Output]

    /// Called between two batches when models were loaded or unloaded: the moment to make memory
    /// ready, and to let go of what is not needed any more.
    func modelsChanged()
}

extension BatchWorker {
    package func run(_ items: [Item], in context: BatchContext) throws -> [Output] {
        try run(items)
    }

    package func modelsChanged() {}
}

/// What a worker may make use of while it computes one batch.
package struct BatchContext {
    /// Other compute threads that take parts when they have nothing else to do, from some moment on or
    /// not at all; nil when there are none.
    package let team: ComputeTeam?
    /// 0, or one more than the level of the batch between two of whose layers this one runs on the same
    /// worker: each level has its own memory.
    package let level: Int
    private let onLayerDone: () throws -> Void

    package init(
        team: ComputeTeam? = nil, level: Int = 0, onLayerDone: @escaping () throws -> Void = {}
    ) {
        self.team = team
        self.level = level
        self.onLayerDone = onLayerDone
    }

    /// A worker may say this between two layers: a shorter batch that waits is then computed, with
    /// a call of the same worker's `run` at the next level, before this returns.
    ///
    /// Throws `BatchDiscarded` when nobody waits for the batch any more; let it through.
    package func layerDone() throws {
        try onLayerDone()
    }
}

/// All requests of a batch were cancelled or expired while it was computed.
package struct BatchDiscarded: Error, Hashable, Sendable {
    package init() {}
}

/// A worker gave back another number of rows than it was given items.
package struct RowCountError: Error, Hashable, Sendable {
    package var expected: Int
    package var found: Int
}
