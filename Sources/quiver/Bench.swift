import ArgumentParser
import Service

/// `quiver bench`: tokens a second by text length, through the model alone.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure tokens per second by text length on this machine.")

    @OptionGroup var model: ModelOptions

    @Option(help: "Seconds for each length.")
    var seconds = 2.0

    @Option(parsing: .upToNextOption, help: "Tokens of the texts: powers of two, unless given.")
    var lengths: [Int] = []

    @Flag(help: "Measure float32, bfloat16 and int8, one after the other.")
    var allDtypes = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func run() throws {
        var configuration = try model.configuration()
        for dtype in allDtypes ? ["float32", "bfloat16", "int8"] : [configuration.dtype] {
            configuration.dtype = dtype
            try run(ModelBenchmark(configuration, secondsPerLength: seconds))
        }
    }

    private func run(_ benchmark: ModelBenchmark) throws {
        if !json { print(benchmark.heading) }
        var rows: [BenchmarkRow] = []
        for length in lengths { try benchmark.check(length: length) }
        for length in lengths.isEmpty ? benchmark.lengths : lengths {
            let row = try benchmark.measure(length: length)
            print(json ? row.json : row.text)
            rows.append(row)
        }
        guard !json, let first = rows.first else { return }
        print(first.stageHeading)
        for row in rows { print(row.stageText) }
        print("")
    }
}
