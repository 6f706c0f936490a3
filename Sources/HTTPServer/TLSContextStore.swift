import Dispatch
import Platform

/// The certificates that new connections are accepted with, and their renewal.
final class TLSContextStore: Sendable {
    private let configuration: TLSConfiguration
    private let current: Locked<TLSContext>
    /// Loading takes milliseconds and two reloads must not overtake each other.
    private let reloading = Locked(())

    init(_ configuration: TLSConfiguration) throws(ServerError) {
        self.configuration = configuration
        current = Locked(try TLSContext(configuration))
    }

    var context: TLSContext { current.withLock { $0 } }

    /// An engine with the certificates of now; nil without memory.
    func makeEngine() -> TLSEngine? {
        do throws(ServerError) {
            return try TLSEngine(context)
        } catch {
            return nil
        }
    }

    /// Loads the files again; when that fails the old certificates stay.
    func reload() -> CertificateReload {
        reloading.withLock { _ in
            do throws(ServerError) {
                let context = try TLSContext(configuration)
                current.withLock { $0 = context }
                return .loaded(context)
            } catch {
                return .failed(error.description)
            }
        }
    }

    /// Looks at the files' status in intervals and calls `whenChanged` until they are loaded.
    ///
    /// It ends with the store.
    func watch(on queue: DispatchQueue, whenChanged: @escaping @Sendable () -> Void) {
        let nanoseconds = Int(clamping: configuration.reloadInterval.nanoseconds)
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [weak self] in
            guard let self else { return }
            if context.filesHaveChanged { whenChanged() }
            watch(on: queue, whenChanged: whenChanged)
        }
    }
}

extension CertificateReload {
    static func loaded(_ context: TLSContext) -> CertificateReload {
        .loaded(notAfterSeconds: context.notAfterSeconds, warnings: context.warnings)
    }
}
