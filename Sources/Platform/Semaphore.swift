import CPlatform
import Glibc

/// A counting semaphore: a thread that waits sleeps in the kernel and burns nothing.
///
/// `sem_t` rather than a condition variable: a signal sent before the wait is not lost, which is
/// exactly what a worker's doorbell needs.
package final class Semaphore: @unchecked Sendable {
    /// Safe to share: `sem_t` is made for it; the address is fixed for the object's life.
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init(value: UInt32 = 0) {
        semaphore = .allocate(capacity: 1)
        semaphore.initialize(to: sem_t())
        let status = sem_init(semaphore, 0, value)
        precondition(status == 0, "sem_init: error \(errno)")
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deinitialize(count: 1)
        semaphore.deallocate()
    }

    /// Adds one to the count and wakes one waiter, if there is one.
    package func signal() {
        let status = sem_post(semaphore)
        precondition(status == 0, "sem_post: error \(errno)")
    }

    /// Sleeps until the count is above zero, then takes one.
    package func wait() {
        while sem_wait(semaphore) != 0 {
            precondition(errno == EINTR, "sem_wait: error \(errno)")
        }
    }

    /// Like `wait`, but looks again and again for so long before it sleeps: for a signal that is on its way.
    package func wait(spinningFor span: TimeSpan) {
        let end = MonotonicTime.now.advanced(by: span)
        repeat {
            for _ in 0..<16 {
                if sem_trywait(semaphore) == 0 { return }
                cplatform_pause()
            }
        } while MonotonicTime.now < end
        wait()
    }

    /// Like `wait`, but gives up at `deadline`; false when it gave up.
    package func wait(until deadline: MonotonicTime) -> Bool {
        let nanoseconds = max(deadline.nanoseconds, 0)
        while true {
            switch cplatform_semaphore_wait_until(semaphore, nanoseconds) {
            case 0: return true
            case ETIMEDOUT: return false
            case let error: precondition(error == EINTR, "sem_clockwait: error \(error)")
            }
        }
    }
}
