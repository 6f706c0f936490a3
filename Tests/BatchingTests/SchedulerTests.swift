import Batching
import Platform
import Synchronization
import Testing

/// A worker that answers twice its item.
final class DoublingWorker: BatchWorker {
    func run(_ items: [Int]) throws -> [Int] { items.map { $0 * 2 } }
}

struct SchedulerTests {
    @Test func answersARequestOfManyItemsInOrder() throws {
        let scheduler = try BatchScheduler(configuration: BatchConfiguration(), workers: 2) { _ in
            DoublingWorker()
        }
        defer { scheduler.stop() }
        let answers = Mutex<[Int]>([])
        let done = Semaphore()
        let items = Array(0..<2000)
        let request = BatchRequest(items: items, tokenCounts: items.map { $0 % 300 + 1 })
        let result = scheduler.submit(request) { result, _ in
            answers.withLock { $0 = (try? result.get()) ?? [] }
            done.signal()
        }
        #expect(throws: Never.self) { try result.get() }
        done.wait()
        #expect(answers.withLock { $0 } == items.map { $0 * 2 })
    }
}
