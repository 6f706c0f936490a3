import ArgumentParser
import Service

/// `quiver bench`: tokens a second by text length, through the model alone.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure tokens per second by text length on this machine.")

    @OptionGroup var model: ModelOptions

    @Option(help: "Seconds for each length.")
    var seconds = 2.0

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func run() throws {
        let benchmark = try ModelBenchmark(model.configuration(), secondsPerLength: seconds)
        if !json { print(benchmark.heading) }
        for length in benchmark.lengths {
            let row = try benchmark.measure(length: length)
            print(json ? row.json : row.text)
        }
    }
}
