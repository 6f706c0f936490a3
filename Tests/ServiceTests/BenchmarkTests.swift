import JSON
import Kernels
import Models
import Service
import TestSupport
import Testing

/// What `bench`, `inspect` and the start measure of a model, on tiny ones.
struct BenchmarkTests {
    private func benchmark(_ folder: TemporaryFolder, dtype: String) throws -> ModelBenchmark {
        let configuration = try ServiceConfiguration.merging(
            flags: ["model": [folder.path], "dtype": [dtype], "threads": ["2"]], environment: [:],
            file: nil)
        return try ModelBenchmark(configuration, secondsPerLength: 0.001)
    }

    @Test(arguments: ["float32", "bfloat16", "int8"])
    func aRowHasAllNumbers(dtype: String) throws {
        let folder = try TinyModel.folder("bert")
        let row = try benchmark(folder, dtype: dtype).measure(length: 4)
        let object = try #require(JSONValue(parsing: Array(row.json.utf8)).object)
        for name in [
            "tokens_per_second", "mean_tokens_per_second", "processor_share", "share_of_peak",
            "single_ms", "all_threads_ms",
        ] {
            #expect(try #require(object[name]?.double) > 0, "\(name)")
        }
        #expect(object["dtype"] == .string(dtype))
        #expect(row.stages.map(\.name).contains("feed_forward"))
        #expect(row.stages.allSatisfy { $0.microseconds >= 0 })
        #expect(row.text.split(separator: " ").first == "4")
    }

    @Test func aTableHasNoArithmeticToShare() throws {
        let folder = try TinyModel.folder("static")
        let row = try benchmark(folder, dtype: "float32").measure(length: 4)
        #expect(row.shareOfPeak == nil)
        #expect(row.json.contains("\"share_of_peak\":null"))
    }

    @Test func refusesLengthsThatTheModelDoesNotTake() throws {
        let benchmark = try self.benchmark(TinyModel.folder("bert"), dtype: "float32")
        #expect(throws: StartError.self) { try benchmark.check(length: 0) }
        #expect(throws: StartError.self) { try benchmark.check(length: 1 << 20) }
        try benchmark.check(length: 1)
    }

    @Test func inspectionTellsWhatInt8Leaves() throws {
        let folder = try TinyModel.folder("bert")
        #expect(try !ModelInspection(folder: folder.path).lines.contains { $0.hasPrefix("int8") })
        let lines = try ModelInspection(folder: folder.path, loadsInt8: true).lines
        #expect(lines.contains { $0.hasPrefix("int8 ") && $0.contains("bytes in memory; ") })
    }

    @Test(arguments: [
        ([100.0], 0), ([100, 103], 0), ([100, 105], 1), ([100, 103, 105], 1), ([100, 103, 106], 1),
        ([100, 90, 105], 2), ([100, 120, 110], 1), ([1, 1, 1], 0),
    ])
    func theSmallestBatchThatNoOtherBeats(speeds: [Double], chosen: Int) {
        #expect(BatchMeasurement.smallestWorthwhile(speeds) == chosen)
    }

    @Test(arguments: ["bert", "static"], [nil, 48])
    func theStartFindsABatch(name: String, fixed: Int?) throws {
        let folder = try TinyModel.folder(name)
        let model = try EmbeddingModel(
            folder: folder.path, dtype: .float32, kernels: Kernels(.automatic))
        let measured = try BatchMeasurement(model, tokenID: 1, fixed: fixed)
        let expected = fixed.map { [$0] } ?? BatchMeasurement.sizes
        #expect(expected.contains(measured.batchTokens))
        #expect(measured.tokensPerSecond >= 1)
    }
}
