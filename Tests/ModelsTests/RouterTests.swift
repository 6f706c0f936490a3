import Kernels
import Models
import TestSupport
import Testing

/// Models with a Router, beyond the vectors that the tables of the other tests hold them to.
struct RouterTests {
    /// Texts of all routes in one batch have the vectors that they have alone.
    @Test func aBatchMayMixRoutes() throws {
        let folder = try TinyModel.folder("router")
        let model = try EmbeddingModel(
            folder: folder.path, dtype: .float32, kernels: Kernels(.automatic))
        let ids: [[Int32]] = [[7, 9], [2, 8, 9, 3], [5], [2, 3], [6, 6, 6]]
        let routes = [0, 1, 0, 1, 0]
        var batch = PackedBatch()
        for (text, route) in zip(ids, routes) { batch.append(text, route: route) }
        let workspace = model.makeWorkspace(tokensMaximum: 8)
        var all: [Float] = []
        try model.embed(batch, workspace: workspace, into: &all)
        for (index, text) in ids.enumerated() {
            var one = PackedBatch()
            one.append(text, route: routes[index])
            var alone: [Float] = []
            try model.embed(one, workspace: workspace, into: &alone)
            #expect(alone == Array(all[index * 12..<(index + 1) * 12]))
        }
    }

    @Test(
        arguments: [
            ("router", nil, "document"), ("router", "query", "query"),
            ("router", "document", "document"), ("router", "other", nil),
            ("router-mapped", nil, "slow"), ("router-mapped", "query", "fast"),
            ("router-mapped", "document", "slow"), ("asym", nil, "query"),
        ] as [(String, String?, String?)])
    func choosesTheRouteOfTheReference(name: String, task: String?, route: String?) throws {
        let folder = try TinyModel.folder(name)
        let model = try ModelDescription(folder: folder.path)
        #expect(model.routeIndex(for: task).map { model.routes[$0].name } == route)
    }

    @Test func tellsItsRoutes() throws {
        let folder = try TinyModel.folder("router")
        let summary = try ModelSummary(folder: folder.path)
        #expect(summary.architecture == "router")
        #expect(summary.size.contains("document: bert, 2 layers"))
        #expect(summary.pipeline[0].hasSuffix("without a task: document"))
        #expect(summary.usedFiles.contains("document_0_Transformer"))
        #expect(summary.usedFiles.contains("router_config.json"))
    }

    @Test(arguments: [
        (
            "\"default_route\": \"document\"", "\"default_route\": \"none\"",
            "there is no route none"
        ),
        ("\"query_0_StaticEmbedding\"\n", "\"../x\"\n", "../x is not a path inside the folder"),
        ("static_embedding.StaticEmbedding\"", "clip.CLIPModel\"", "is not supported"),
        ("\"structure\"", "\"shape\"", "structure: is missing"),
    ])
    func saysWhatIsWrong(from: String, to: String, message: String) throws {
        let folder = try TinyModel.folder("router")
        try folder.replace(from, to, in: "router_config.json")
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: folder.path) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
