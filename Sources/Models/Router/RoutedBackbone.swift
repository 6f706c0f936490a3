import Kernels

/// The routes of a Router, each to the text's finished vector.
///
/// A batch may hold texts of all routes; each route computes its own as if they were alone.
package final class RoutedBackbone: Backbone {
    /// A route with its weights.
    struct Route: Sendable {
        let backbone: any Backbone
        let pooling: PoolingConfiguration
        let output: OutputLayers
        /// The most tokens of a text.
        let lengthMaximum: Int
    }

    let routes: [Route]
    package let width: Int
    package let kernels: Kernels

    package var layerCount: Int { routes.map(\.backbone.layerCount).max() ?? 0 }
    package var isContextual: Bool { false }
    package var isDivisible: Bool { routes.contains { $0.backbone.isDivisible } }
    /// Tokens of different routes have vectors of different kinds.
    package var hasVectorPerToken: Bool { false }
    package var bfloat16Layers: [String] { routes.flatMap(\.backbone.bfloat16Layers) }
    package let weightBytes: Int

    package var type: NumericType {
        routes.map(\.backbone).first { $0.layerCount > 0 }?.type ?? .float32
    }

    /// - Parameter load: makes the backbone of a route from its weights.
    /// - Throws: ``ModelError``.
    init(
        _ router: RouterDescription, kernels: Kernels,
        load: (ModelDescription) throws(ModelError) -> any Backbone
    ) throws(ModelError) {
        var routes: [Route] = []
        var loaded: [String: any Backbone] = [:]
        for route in router.routes {
            let model = route.model
            let path = model.pipeline.inputPath
            let backbone: any Backbone =
                if let known = loaded[path] { known } else { try load(model) }
            loaded[path] = backbone
            routes.append(
                Route(
                    backbone: backbone, pooling: model.pipeline.pooling,
                    output: try OutputLayers(
                        model.pipeline, folder: model.folder, inputWidth: model.pooledWidth,
                        kernels: kernels),
                    lengthMaximum: model.sequenceLimit.tokens))
        }
        // What routes share counts once.
        weightBytes = loaded.values.reduce(0) { $0 + $1.weightBytes }
        self.routes = routes
        self.kernels = kernels
        width = router.routes.first?.model.pipeline.outputWidth ?? 0
    }

    package func makeBackboneWorkspace(
        tokensMaximum: Int, team: Team?
    ) -> any BackboneWorkspace {
        RoutedWorkspace(self, tokensMaximum: tokensMaximum, team: team)
    }
}

/// The routes at work on one thread.
final class RoutedWorkspace: BackboneWorkspace {
    private let model: RoutedBackbone
    private let parts: [any BackboneWorkspace]
    private(set) var batch = PackedBatch()
    /// Where each text of the batch is: its route, and its place among that route's texts.
    private var places: [(route: Int, index: Int)] = []

    init(_ model: RoutedBackbone, tokensMaximum: Int, team: Team?) {
        self.model = model
        self.team = team
        parts = model.routes.map {
            // Another route's texts may be much longer.
            $0.backbone.makeBackboneWorkspace(
                tokensMaximum: min(tokensMaximum, max($0.lengthMaximum, 512)), team: team)
        }
    }

    var team: Team? {
        didSet { for part in parts { part.team = team } }
    }

    func begin(_ batch: PackedBatch) throws(EncoderError) {
        var batches = Array(repeating: PackedBatch(), count: parts.count)
        places.removeAll(keepingCapacity: true)
        for text in 0..<batch.count {
            let route = batch.route(of: text)
            guard parts.indices.contains(route) else {
                throw .idOutOfRange(id: Int32(clamping: route), count: parts.count)
            }
            places.append((route, batches[route].count))
            batches[route].append(
                Array(batch.tokenIDs[batch.tokens(of: text)]),
                promptTokenCount: batch.promptTokenCount(of: text))
        }
        for (index, part) in parts.enumerated() {
            part.expect(model.routes[index].pooling)
            try part.begin(batches[index])
        }
        self.batch = batch
    }

    func layer(_ index: Int) {
        for (part, route) in zip(parts, model.routes)
        where part.batch.count > 0 && index < route.backbone.layerCount {
            part.layer(index)
        }
    }

    /// The text's one vector: its tokens have none that could be compared.
    func states(of index: Int) -> Rows<Float> {
        let vector = FloatMatrix(rows: 1, columns: model.width)
        pool(index, by: PoolingConfiguration(modes: [.mean]), into: vector.row(0))
        finished = vector
        return vector.rows
    }

    private var finished = FloatMatrix(columns: 0)

    /// The text's vector, through the modules of its route; how to pool is the route's to say.
    func pool(
        _ index: Int, by pooling: PoolingConfiguration, into target: UnsafeMutablePointer<Float>
    ) {
        let (route, place) = places[index]
        let modules = model.routes[route]
        var vector = [Float](unsafeUninitializedCapacity: modules.output.inputWidth) {
            buffer, count in
            if let base = buffer.baseAddress {
                parts[route].pool(place, by: modules.pooling, into: base)
            }
            count = modules.output.inputWidth
        }
        modules.output.apply(to: &vector, count: 1)
        vector.withUnsafeBufferPointer {
            if let base = $0.baseAddress { target.update(from: base, count: model.width) }
        }
    }
}
