import Glibc

/// A value that is reached only under its lock.
///
/// A `pthread_mutex_t`, not `Synchronization.Mutex`: the thread sanitizer does not see the latter's
/// slow path, which is in the uninstrumented standard library, and reports every contended use.
/// Inlinable, so that every room's use of it is compiled for the room's own types.
package final class Locked<Value>: @unchecked Sendable {
    /// Safe to share: touched only between lock and unlock.
    @usableFromInline var value: Value
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let status = pthread_mutex_init(mutex, nil)
        precondition(status == 0, "pthread_mutex_init: error \(status)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    /// Runs `body` with the value while nobody else can; it must not take the same lock again.
    @inlinable
    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
