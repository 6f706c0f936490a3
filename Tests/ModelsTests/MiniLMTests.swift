import FoundationEssentials
import Glibc
import Kernels
import Models
import Platform
import Synchronization
import TestSupport
import Testing
import Tokenizers

/// sentence-transformers/all-MiniLM-L6-v2 as a test needs it: loaded once, with its tokenizer.
///
/// `QUIVER_TEST_MODEL` names its folder; without it, the one that `scripts/serve` keeps is taken.
final class MiniLM: Sendable {
    let model: EmbeddingModel
    let tokenizer: Tokenizer

    static let shared = Result { try MiniLM() }

    private init() throws {
        let environment = ProcessInfo.processInfo.environment
        let path =
            environment["QUIVER_TEST_MODEL"]
            ?? "\(environment["HOME"] ?? "")/.cache/quiver/models/all-MiniLM-L6-v2"
        model = try EmbeddingModel(folder: path, dtype: .float32, kernels: Kernels(.automatic))
        tokenizer = try Tokenizer(
            tokenizerJSON: Files.contents(of: path + "/tokenizer.json", limit: 1 << 24),
            tokenizerConfiguration: Files.contents(
                of: path + "/tokenizer_config.json", limit: 1 << 16))
    }

    /// The texts' token ids, cut to the model's length.
    func tokenIDs(_ texts: [String]) -> [[Int32]] {
        texts.map { tokenizer.tokenIDs($0, maxLength: model.maximumLength).ids }
    }

    /// One vector a text: `threads` threads take batches of `batchSize` texts until all are done.
    func vectors(_ ids: [[Int32]], batchSize: Int, threads: Int) -> [[Float]] {
        let next = Atomic(0)
        let results = Locked([[Float]](repeating: [], count: ids.count))
        let workers = (0..<threads).map { index in
            NamedThread(name: "test-\(index)") { [self] in
                let workspace = model.makeWorkspace(tokensMaximum: 2048)
                var vectors: [Float] = []
                while true {
                    let first = next.wrappingAdd(batchSize, ordering: .relaxed).oldValue
                    guard first < ids.count else { return }
                    let texts = ids[first..<min(first + batchSize, ids.count)]
                    try? model.embed(PackedBatch(texts), workspace: workspace, into: &vectors)
                    results.withLock { results in
                        for index in texts.indices {
                            let start = (index - first) * model.dimensions
                            results[index] = Array(vectors[start..<start + model.dimensions])
                        }
                    }
                }
            }
        }
        for worker in workers { worker.join() }
        return results.withLock { $0 }
    }
}

/// The real model against the reference, and against itself.
@Suite(.serialized)
struct MiniLMTests {
    private let minilm: MiniLM

    init() throws {
        minilm = try MiniLM.shared.get()
    }

    private func texts() throws -> [String] {
        try JSONDecoder().decode(
            [String].self, from: Data(Fixture.bytes("models/minilm/texts.json")))
    }

    private func reference() throws -> [[Float]] {
        let bytes = try Fixture.bytes("models/minilm/vectors.f32")
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4 * 384).map { row in
                (0..<384).map { bytes.loadUnaligned(fromByteOffset: row + 4 * $0, as: Float.self) }
            }
        }
    }

    @Test func givesTheVectorsOfTheReference() throws {
        let ids = minilm.tokenIDs(try texts())
        let reference = try reference()
        #expect(reference.count == ids.count)
        let vectors = minilm.vectors(ids, batchSize: 16, threads: 2)
        var worst: Float = 0
        var lowest = 1.0
        for (vector, expected) in zip(vectors, reference) {
            try #require(vector.count == 384)
            worst = zip(vector, expected).reduce(worst) { max($0, abs($1.0 - $1.1)) }
            lowest = min(lowest, cosine(vector, expected))
        }
        #expect(worst <= 2e-6, "largest difference of a component")
        #expect(lowest >= 0.9999995, "lowest cosine")
    }

    @Test func aVectorIsTheSameToTheBit() throws {
        let ids = minilm.tokenIDs(try texts()).enumerated().filter { $0.offset % 6 == 0 }
            .map(\.element)
        let alone = minilm.vectors(ids, batchSize: 1, threads: 2)
        for (size, threads) in [(5, 4), (ids.count, 1)] {
            #expect(minilm.vectors(ids, batchSize: size, threads: threads) == alone)
        }
        let reversed = minilm.vectors(ids.reversed(), batchSize: 7, threads: 3)
        #expect(reversed == alone.reversed())
    }

    /// Spearman's rank correlation on the test split of the STS benchmark, as the reference has it.
    @Test func reachesTheScoreOfTheReference() throws {
        let pairs = try Fixture.lines("sts/test.tsv").map { line in
            String(decoding: line, as: UTF8.self).split(separator: "\t", maxSplits: 2)
                .map(String.init)
        }
        #expect(pairs.count == 1379)
        let scores = try pairs.map { try #require(Double($0[0])) }
        let ids = minilm.tokenIDs(pairs.flatMap { [$0[1], $0[2]] })
        let vectors = minilm.vectors(ids, batchSize: 32, threads: 2)
        let similarities = pairs.indices.map { cosine(vectors[2 * $0], vectors[2 * $0 + 1]) }
        let correlation = pearson(ranks(scores), ranks(similarities))
        #expect(abs(correlation - 0.8203) < 0.00005, "\(correlation)")
    }

    private func cosine(_ left: [Float], _ right: [Float]) -> Double {
        var (dot, leftSquares, rightSquares) = (0.0, 0.0, 0.0)
        for index in left.indices {
            let (a, b) = (Double(left[index]), Double(right[index]))
            dot += a * b
            leftSquares += a * a
            rightSquares += b * b
        }
        return dot / (leftSquares * rightSquares).squareRoot()
    }

    /// Each value's rank; equal values share the mean of theirs.
    private func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for position in start..<end { ranks[order[position]] = Double(start + end - 1) / 2 }
            start = end
        }
        return ranks
    }

    private func pearson(_ left: [Double], _ right: [Double]) -> Double {
        let count = Double(left.count)
        let (leftMean, rightMean) = (left.reduce(0, +) / count, right.reduce(0, +) / count)
        var (covariance, leftSquares, rightSquares) = (0.0, 0.0, 0.0)
        for (a, b) in zip(left, right) {
            covariance += (a - leftMean) * (b - rightMean)
            leftSquares += (a - leftMean) * (a - leftMean)
            rightSquares += (b - rightMean) * (b - rightMean)
        }
        return covariance / (leftSquares * rightSquares).squareRoot()
    }
}
