import Kernels
import Models
import Platform
import TestSupport
import Testing

@Suite("Encoder on the real model", .enabled(if: GoldenEncoder.folder != nil))
struct EncoderGoldenTests {
    @Test(arguments: Kernels.choices)
    func float32VectorsAreTheReference(kernels: String) throws {
        let folder = try #require(GoldenEncoder.folder)
        let encoder = try GoldenEncoder.load(kernels, folder: folder)
        let workspace = encoder.makeWorkspace(tokensMaximum: 512)
        // The plain kernels take milliseconds a token, so they get the short texts.
        let texts = try GoldenEncoder.texts().filter {
            kernels != "reference" || $0.tokenIDs.count < 9
        }
        #expect(!texts.isEmpty)
        let vectors = try GoldenEncoder.embed(texts.map(\.tokenIDs), encoder, workspace)
        for (text, vector) in zip(texts, vectors) {
            let difference = zip(text.vector, vector).map { abs($0 - $1) }.max() ?? .nan
            #expect(difference <= 2e-6)
            #expect(GoldenEncoder.cosine(text.vector, vector) >= 0.9999995)
        }
    }

    @Test(arguments: Kernels.available.filter { $0 != "reference" })
    func aVectorDoesNotDependOnItsBatchOrTheThreads(kernels: String) throws {
        let folder = try #require(GoldenEncoder.folder)
        let encoder = try GoldenEncoder.load(kernels, folder: folder)
        let workspace = encoder.makeWorkspace(tokensMaximum: 512)
        let all = try GoldenEncoder.texts().map(\.tokenIDs)
        let texts = stride(from: 0, to: all.count, by: 3).map { all[$0] }
        let alone = try texts.map { try GoldenEncoder.embed([$0], encoder, workspace)[0] }
        #expect(try GoldenEncoder.embed(texts, encoder, workspace) == alone)
        let reversed = try GoldenEncoder.embed(texts.reversed(), encoder, workspace)
        #expect(reversed == alone.reversed())
        for first in stride(from: 0, to: texts.count, by: 7) {
            let last = min(first + 7, texts.count)
            let some = try GoldenEncoder.embed(Array(texts[first..<last]), encoder, workspace)
            #expect(some == Array(alone[first..<last]))
        }
        for threads in [2, 3] {
            let team = Team(width: threads)
            let helpers = (1..<threads).map { _ in NamedThread(name: "helper") { team.serve() } }
            let shared = encoder.makeWorkspace(tokensMaximum: 64, team: team)
            let some = Array(texts[8..<12])
            #expect(try GoldenEncoder.embed(some, encoder, shared) == Array(alone[8..<12]))
            #expect(try GoldenEncoder.embed([texts[3]], encoder, shared) == [alone[3]])
            team.dismiss()
            for helper in helpers { helper.join() }
        }
    }

    @Test(arguments: Kernels.available.filter { $0 != "reference" })
    func bfloat16IsCloseAndIndependentOfTheBatch(kernels: String) throws {
        let (mean, least) = try closeness(kernels, .bfloat16)
        #expect(mean >= 0.99998)
        #expect(least >= 0.9999)
    }

    @Test(arguments: Kernels.available.filter { $0 != "reference" })
    func int8IsCloseAndIndependentOfTheBatch(kernels: String) throws {
        let (mean, least) = try closeness(kernels, .int8)
        #expect(mean >= 0.9988)
        #expect(least >= 0.995)
    }

    /// The mean and the least cosine to the reference, after a check that batches change nothing.
    private func closeness(_ kernels: String, _ type: NumericType) throws -> (Double, Double) {
        let folder = try #require(GoldenEncoder.folder)
        let encoder = try GoldenEncoder.load(kernels, type: type, folder: folder)
        let workspace = encoder.makeWorkspace(tokensMaximum: 512)
        let texts = try GoldenEncoder.texts()
        let vectors = try GoldenEncoder.embed(texts.map(\.tokenIDs), encoder, workspace)
        for index in stride(from: 0, to: texts.count, by: 5) {
            let alone = try GoldenEncoder.embed([texts[index].tokenIDs], encoder, workspace)
            #expect(alone[0] == vectors[index])
        }
        let cosines = zip(texts, vectors).map { GoldenEncoder.cosine($0.vector, $1) }
        let mean = cosines.reduce(0, +) / Double(cosines.count)
        return (mean, cosines.min() ?? .nan)
    }

    @Test func everyTableGivesTheSameBits() throws {
        let folder = try #require(GoldenEncoder.folder)
        let texts = try GoldenEncoder.texts().map(\.tokenIDs).filter { $0.count < 12 }.prefix(3)
        var all: [[[Float]]] = []
        for kernels in Kernels.available {
            let encoder = try GoldenEncoder.load(kernels, folder: folder)
            let workspace = encoder.makeWorkspace(tokensMaximum: 64)
            all.append(try GoldenEncoder.embed(Array(texts), encoder, workspace))
        }
        #expect(all.allSatisfy { $0 == all[0] })
    }
}
