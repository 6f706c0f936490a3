import CPlatform
import Glibc

/// A POSIX thread with a name that `top -H`, `perf` and a debugger show.
///
/// The program's threads are few and every one is started here or is the worker of a Dispatch queue.
package final class NamedThread: @unchecked Sendable {
    /// Safe to share: written once, in `init`, before anybody else can see the object.
    private var handle = pthread_t()

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread with a stack of `stackBytes` that runs `body` once.
    ///
    /// - Precondition: the system can start a thread. At start-up nothing useful can be done without.
    package init(name: String, stackBytes: Int = 1 << 21, body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        defer { pthread_attr_destroy(&attributes) }

        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            argument in
            guard let argument else { return nil }
            let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            cplatform_set_thread_name(start.name)
            start.body()
            return nil
        }
        let status = pthread_create(&handle, &attributes, run, start.toOpaque())
        precondition(status == 0, "pthread_create: error \(status)")
    }

    /// Waits until the thread's body has returned; to be called at most once.
    package func join() {
        pthread_join(handle, nil)
    }
}

/// Names the calling thread, for threads that Dispatch made (15 bytes; longer names are cut).
package func nameCurrentThread(_ name: String) {
    cplatform_set_thread_name(name)
}

extension NamedThread {
    /// Keeps the calling thread on one of the processors that the process may use.
    ///
    /// Left to itself, the system may wake a thread on a processor where another one computes, and lets
    /// it wait there for a turn of milliseconds, although its own processor is idle a moment later.
    ///
    /// - Parameter number: which of them, from 0.
    /// - Returns: false when there is no such processor or the system does not let us; then nothing has
    ///   changed.
    @discardableResult
    package static func stay(onProcessor number: Int) -> Bool {
        cplatform_pin_thread(Int32(clamping: number)) == 0
    }

    /// The processor on which the calling thread runs at this moment, as the system numbers them; negative
    /// when it is not known.
    package static var currentProcessor: Int { Int(cplatform_current_processor()) }

    /// Lets other threads go before the calling one, and before those that it starts from now on.
    ///
    /// - Parameter niceness: how much, from 0 to 19 (`setpriority`, of a thread on Linux).
    package static func stepBack(niceness: Int32) {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }
}
