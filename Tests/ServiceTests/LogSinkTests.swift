import Foundation
import Service
import Testing

/// Lines on a pipe that the test reads.
struct LogSinkTests {
    private let pipe = Pipe()

    private func makeSink() -> LogSink {
        LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    }

    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    @Test func linesLeaveTogetherAndInOrder() {
        let sink = makeSink()
        for number in 0..<100 { sink.write(line("line \(number)")) }
        sink.flush()
        #expect(pipe.fileHandleForReading.availableData == lines(0..<100))
    }

    @Test func lineLeavesByItself() {
        let sink = makeSink()
        for number in 0..<3 {
            sink.write(line("line \(number)"))
            // Blocks until there is something.
            #expect(pipe.fileHandleForReading.availableData == lines(number..<(number + 1)))
        }
    }

    @Test func urgentLineTakesEarlierOnesAlong() {
        let sink = makeSink()
        sink.write(line("line 0"))
        sink.write(line("line 1"), isUrgent: true)
        #expect(pipe.fileHandleForReading.availableData == lines(0..<2))
    }

    @Test func linesBeyondTheBoundAreDroppedAndCounted() throws {
        let sink = makeSink()
        let text = Array(repeating: UInt8(ascii: "x"), count: 1 << 10)
        // More than the pipe and the sink hold together, while nobody reads.
        for _ in 0..<(6 << 10) { sink.write(text) }
        #expect(sink.dropped >= 1 << 10)
        var received = 0
        while received < ((6 << 10) - sink.dropped) << 10 {
            received += pipe.fileHandleForReading.availableData.count
        }
        sink.flush()
        #expect(received == ((6 << 10) - sink.dropped) << 10)
        sink.write(line("line 0"))
        #expect(pipe.fileHandleForReading.availableData == lines(0..<1))
    }

    private func lines(_ numbers: Range<Int>) -> Data {
        Data(numbers.flatMap { line("line \($0)") })
    }
}
