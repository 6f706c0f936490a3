import Batching
import HTTPServer
import JSON
import Models

extension Service {
    /// The answer to `GET /health/live`: the loop that says so is alive, nothing more is asked.
    static let alive = Array(#"{"status":"ok"}"#.utf8)

    /// The answer to `GET /health` and `GET /health/ready`.
    func readiness(_ context: RequestContext) -> Response {
        do throws(APIError) {
            try checkReadiness()
            return json(Self.alive, context)
        } catch {
            return response(to: error, context)
        }
    }

    /// The answer to `GET /v1/models`, in OpenAI's shape.
    func modelList() -> [UInt8] {
        var json = JSONWriter()
        json.raw(#"{"object":"list","data":["#)
        for (index, name) in servedNames.enumerated() {
            if index > 0 { json.raw(",") }
            json.raw(#"{"id":"#)
            json.string(name)
            json.raw(#","object":"model","created":"#)
            json.number(Int(startedAtSeconds))
            json.raw(#","owned_by":"quiver"}"#)
        }
        json.raw("]}")
        return json.bytes
    }

    /// The answer to `GET /metrics`.
    func metricsText() -> [UInt8] {
        let models = loadedModels
        let server = server.withLock { $0 }
        let isReady = (try? checkReadiness()) != nil
        return metrics.text(
            at: MetricsMoment(
                queue: models?.pool.scheduler.snapshot, cache: models?.pool.cache.statistics,
                connections: server?.connectionCount ?? 0, exchanges: server?.exchangeCount ?? 0,
                isReady: isReady, droppedLogLines: logSink.dropped,
                startedAtSeconds: startedAtSeconds,
                build: [("version", BuildInformation.version)],
                models: models?.models.map(Self.information) ?? []))
    }

    private static func information(of served: ServedModel) -> MetricsMoment.Model {
        let (engine, setting) = (served.engine, served.setting)
        return MetricsMoment.Model(
            id: engine.id, label: setting.label,
            information: [
                ("model", setting.label),
                ("names", setting.servedNames.joined(separator: ",")),
                ("architecture", engine.model.summary.architecture),
                ("dtype", "\(engine.model.dtype)"),
                ("kernels", engine.model.kernelsName),
                ("dimensions", String(engine.model.dimensions)),
                ("max_tokens", String(engine.model.maximumLength)),
                ("threads", String(engine.threads)),
            ])
    }
}

/// What this program is.
package enum BuildInformation {
    package static let version = "0.1.0"
}
