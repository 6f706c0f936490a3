import JSON

/// A Router module (Asym, as it was once called): texts take one of several ways by what they are for.
///
/// Each route is a pipeline of its own, with what `modules.json` lists behind the Router at its end.
/// Source: sentence-transformers 6.2, `base/modules/router.py`.
struct RouterDescription: Sendable {
    /// One way of a text.
    struct Route: Sendable {
        let name: String
        let model: ModelDescription
    }

    static let fileName = "router_config.json"

    let file: String
    /// In the file's order; at least one, all of one width.
    let routes: [Route]
    /// The route of a text without a task; nil where one has to be named.
    let defaultRoute: Int?
    /// Routes by a pair of task and modality, as Python prints it.
    private let mappings: [String: String]

    /// - Throws: ``ModelError``.
    init(_ outline: ModulePipeline.Outline, _ folder: ModelFolder) throws(ModelError) {
        let path = folder.file(Self.fileName, in: outline.inputPath)
        let file =
            if let file = try ConfigurationFile.ifPresent(path: path) { file } else {
                // The older name of the file, of Asym modules.
                try ConfigurationFile(path: folder.file("config.json", in: outline.inputPath))
            }
        self.file = file.path
        guard let structure = try file.nested("structure"), let types = try file.nested("types"),
            !structure.keys.isEmpty
        else { throw file.missing("structure") }
        var routes: [Route] = []
        for name in structure.keys {
            var modules: [ModulePipeline.Module] = []
            for id in try structure.texts(name) ?? [] {
                guard ModelFolder.isInside(id), !id.isEmpty else {
                    throw .malformed(
                        file: file.path, field: structure.name(name),
                        reason: "\(id) is not a path inside the folder")
                }
                modules.append(
                    ModulePipeline.Module(
                        kind: try ModulePipeline.Outline.kind(types, "\(id)"),
                        path: outline.inputPath.isEmpty ? id : outline.inputPath + "/" + id))
            }
            let route = try ModulePipeline.Outline(
                listed: modules + (outline.following ?? []),
                origin: file.path, list: structure.name(name))
            guard route.kind != .router else {
                throw file.unsupported(
                    "structure.\(name)", "a Router within a Router", supported: ["one Router"])
            }
            routes.append(
                Route(name: name, model: try ModelDescription(folder, route, hasSettings: false)))
        }
        self.routes = routes
        let parameters = try file.nested("parameters")
        let isEmptyAllowed = try parameters?.flag("allow_empty_key") ?? true
        defaultRoute = try Self.defaultRoute(parameters, routes, isEmptyAllowed: isEmptyAllowed)
        mappings = try Self.mappings(parameters, routes)
        let widths = routes.map(\.model.pipeline.outputWidth)
        guard let width = widths.first, widths.allSatisfy({ $0 == width }) else {
            throw .inconsistent(
                file: file.path, field: "structure",
                reason: "the routes' vectors have different widths: "
                    + widths.map { "\($0)" }.joined(separator: ", "))
        }
    }

    private static func defaultRoute(
        _ parameters: ConfigurationFile?, _ routes: [Route], isEmptyAllowed: Bool
    ) throws(ModelError) -> Int? {
        guard let parameters, let name = try parameters.text("default_route") else {
            return isEmptyAllowed ? 0 : nil
        }
        guard let index = routes.firstIndex(where: { $0.name == name }) else {
            throw .malformed(
                file: parameters.path, field: "parameters.default_route",
                reason: "there is no route \(name)")
        }
        return index
    }

    private static func mappings(
        _ parameters: ConfigurationFile?, _ routes: [Route]
    ) throws(ModelError) -> [String: String] {
        guard let stated = try parameters?.nested("route_mappings") else { return [:] }
        var mappings: [String: String] = [:]
        for key in stated.keys {
            let name = try stated.requiredText(key)
            guard routes.contains(where: { $0.name == name }) else {
                throw .malformed(
                    file: stated.path, field: stated.name(key), reason: "there is no route \(name)")
            }
            mappings[key] = name
        }
        return mappings
    }

    /// The route of texts for `task`; nil where there is none.
    func route(for task: String?) -> Int? {
        let printed = task.map { "'\($0)'" } ?? "None"
        let keys = [
            "(\(printed), 'text')", "(\(printed), None)", "(None, 'text')", "(None, None)",
        ]
        for name in keys.compactMap({ mappings[$0] }) + [task, "text"].compactMap({ $0 }) {
            if let index = routes.firstIndex(where: { $0.name == name }) { return index }
        }
        return task == nil ? defaultRoute : nil
    }

    /// The route without a task, or else the first: what stands for the model where one has to.
    var main: Int { route(for: nil) ?? 0 }

    /// The folders of all modules.
    var modulePaths: [String] {
        routes.flatMap { [$0.model.pipeline.inputPath] + $0.model.pipeline.modulePaths }
    }
}
