import Synchronization

/// Tells a thread that serves a team that it is wanted elsewhere.
package final class Recall: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { flag.load(ordering: .relaxed) }

    package func set() {
        flag.store(true, ordering: .relaxed)
    }

    /// Before the thread is lent again.
    package func clear() {
        flag.store(false, ordering: .relaxed)
    }
}
