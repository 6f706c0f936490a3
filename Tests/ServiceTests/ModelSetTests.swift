import Batching
import Platform
import Service
import TestSupport
import Testing

/// Several models in one process: names, shared threads, what a reload keeps, and whose vectors are kept.
struct ModelSetTests {
    private static let text = "the river bank"

    private func configuration(
        _ entries: [(folder: TemporaryFolder, fields: String)], cacheBytes: Int = 0
    ) throws -> ServiceConfiguration {
        let list = entries.map { "- {path: \($0.folder.path), \($0.fields)}\n" }.joined()
        let text = "threads: 1\ncache-bytes: \(cacheBytes)\nmodels:\n" + list
        let file = try ConfigurationFile(path: "q.yaml", text: Array(text.utf8))
        return try ServiceConfiguration.merging(flags: [:], environment: [:], file: file)
    }

    private func load(
        _ configuration: ServiceConfiguration, keeping old: ModelSet? = nil
    ) throws -> ModelSet {
        try ModelSet(
            configuration, keeping: old, metrics: ServiceMetrics(),
            observer: SilentBatchObserver()
        ) { _ in }
    }

    private func work(_ model: ServedModel) -> Engine.Work {
        Engine.Work(tokenIDs: model.engine.tokenizer.encode(Self.text).ids)
    }

    /// The text's vector, computed by the queue.
    private func vector(_ model: ServedModel) throws -> [Float] {
        let engine = model.engine
        let work = work(model)
        let result = Locked<Result<[[Float]], BatchFailure>?>(nil)
        let done = Semaphore()
        var request = BatchRequest(
            items: [Engine.Job(engine: engine, work: work)], tokenCounts: [work.tokenIDs.count],
            contentKeys: [engine.contentKey(of: work)])
        request.model = engine.id
        _ = engine.pool.scheduler.submit(request) { outcome, _ in
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        return try #require(result.withLock { $0 }?.get().first)
    }

    @Test func eachNameHasItsModel() throws {
        let (first, second) = (try TinyModel.folder("bert"), try TinyModel.folder("bert"))
        let set = try load(
            configuration([(first, "name: [a, b]"), (second, "name: c, dtype: bfloat16")]))
        #expect(set.names == ["a", "b", "c"])
        #expect(try set.model(named: "b").engine === set.models[0].engine)
        #expect(try set.model(named: "c").engine === set.models[1].engine)
        #expect(set.models[0].engine.pool === set.models[1].engine.pool)
        #expect {
            try set.model(named: "d")
        } throws: {
            let error = $0 as? APIError
            return error?.status.code == 404 && error?.code == .modelNotFound
                && error?.message.hasSuffix("This server has: 'a', 'b', 'c'.") == true
        }
        #expect {
            try set.model(namedIfNeeded: nil)
        } throws: {
            ($0 as? APIError)?.code == .missingParameter
        }
        set.pool.scheduler.stop()
    }

    @Test func anyOtherNameIsForTheModelThatTakesIt() throws {
        let (first, second) = (try TinyModel.folder("bert"), try TinyModel.folder("bert"))
        let set = try load(configuration([(first, "name: a"), (second, "name: [b, '*']")]))
        #expect(set.names == ["a", "b"])
        #expect(try set.model(named: "a").engine === set.models[0].engine)
        #expect(try set.model(named: "text-embedding-3-small").engine === set.models[1].engine)
        set.pool.scheduler.stop()
    }

    /// The same ids of the same folder in another dtype are other vectors, in the queue and the cache.
    @Test func modelsNeverShareVectors() throws {
        let folder = try TinyModel.folder("bert")
        let set = try load(
            configuration(
                [(folder, "name: a, dtype: float32"), (folder, "name: b, dtype: bfloat16")],
                cacheBytes: 1 << 20))
        let (a, b) = (set.models[0], set.models[1])
        let (keyA, keyB) = (a.engine.contentKey(of: work(a)), b.engine.contentKey(of: work(b)))
        #expect(keyA.tokens == keyB.tokens && keyA != keyB)
        let (vectorA, vectorB) = (try vector(a), try vector(b))
        #expect(vectorA != vectorB)

        let cache = set.pool.cache
        cache.insert(vectorA, for: keyA)
        #expect(VectorRecall([keyB], in: cache).missing == [0])
        cache.insert(vectorB, for: keyB)
        #expect(VectorRecall([keyA], in: cache).vectors == [vectorA])
        #expect(VectorRecall([keyB], in: cache).vectors == [vectorB])
        set.pool.remove(a.engine)
        #expect(VectorRecall([keyA], in: cache).missing == [0])
        #expect(VectorRecall([keyB], in: cache).vectors == [vectorB])
        // What was taken before the model went is computed all the same.
        #expect(try vector(a) == vectorA)
        set.pool.scheduler.stop()
    }

    @Test func aReloadKeepsWhatHasNotChanged() throws {
        let (first, second) = (try TinyModel.folder("bert"), try TinyModel.folder("bert"))
        let old = try load(configuration([(first, "name: a"), (second, "name: b")]))
        let vectorOfB = try vector(old.models[1])

        // Another order and another name are no reason to load again; another dtype is.
        let new = try load(
            configuration([(second, "name: c"), (first, "name: a, dtype: float32")]), keeping: old)
        #expect(new.models[0].engine === old.models[1].engine)
        #expect(new.models[1].engine !== old.models[0].engine)
        #expect(new.models[1].engine.pool === old.pool)
        #expect(try vector(new.models[0]) == vectorOfB)

        // Nor is the same again, but files that were written anew are.
        let again = try load(configuration([(second, "name: c")]), keeping: new)
        #expect(again.models[0].engine === new.models[0].engine)
        try second.write("config.json", second.read("config.json"))
        let fresh = try load(configuration([(second, "name: c")]), keeping: again)
        #expect(fresh.models[0].engine !== again.models[0].engine)
        #expect(try vector(fresh.models[0]) == vectorOfB)
        old.pool.scheduler.stop()
    }

    @Test func aModelThatCannotBeLoadedChangesNothing() throws {
        let (first, second) = (try TinyModel.folder("bert"), try TinyModel.folder("bert"))
        let old = try load(configuration([(first, "name: a")]))
        #expect {
            try load(
                configuration([(second, "name: b"), (first, "name: a, prompt-name: nobody")]),
                keeping: old)
        } throws: {
            ($0 as? StartError)?.description.contains("there is no prompt 'nobody'") == true
        }
        #expect(old.pool.scheduler.snapshot.models.count == 1)
        _ = try vector(old.models[0])
        old.pool.scheduler.stop()
    }
}
