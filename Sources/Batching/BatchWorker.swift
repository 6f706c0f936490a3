/// What computes batches; made on its own compute thread and used by no other.
package protocol BatchWorker<Item, Output>: AnyObject {
    associatedtype Item: Sendable
    associatedtype Output: Sendable

    /// One output for each item, in order. All items are of one model.
    ///
    /// What it throws becomes the failure of the requests that have an item in this batch.
    func run(_ items: [Item]) throws -> [Output]
}
