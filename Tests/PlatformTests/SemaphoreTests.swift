import Platform
import Synchronization
import Testing

struct SemaphoreTests {
    @Test func spinningTakesASignalThatIsThere() {
        let semaphore = Semaphore(value: 1)
        #expect(semaphore.spin(for: .seconds(60)) { false })
        #expect(!semaphore.spin(for: .zero) { true })
    }

    @Test func spinningEndsWhenItIsNotWanted() {
        let looks = Atomic(0)
        #expect(
            !Semaphore().spin(for: .seconds(60)) {
                looks.wrappingAdd(1, ordering: .relaxed).newValue < 3
            })
        #expect(looks.load(ordering: .relaxed) == 3)
    }

    /// Every signal is heard once, by those who spin and by those who sleep.
    @Test func noSignalIsLostBetweenSpinningAndSleeping() {
        let (there, back) = (Semaphore(), Semaphore())
        let thread = NamedThread(name: "echo") {
            for _ in 0..<1_000 {
                there.wait()
                back.signal()
            }
        }
        for round in 0..<1_000 {
            there.signal()
            if !back.spin(for: .microseconds(Int64(round % 3)), while: { true }) { back.wait() }
        }
        thread.join()
        #expect(!back.spin(for: .zero) { false })
    }
}
