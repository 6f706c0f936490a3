import HTTPServer
import Platform
import TestSupport
import Testing

/// Every row of the conformance table over real sockets, at once and byte by byte.
struct ConformanceTests {
    /// Rows about JSON: the service's business, not this room's.
    private static func isAboutJSON(_ row: HTTPCase) -> Bool { row.name.hasPrefix("js-") }

    @Test(arguments: [Int.max, 1]) func everyRowHasItsOutcome(pieceBytes: Int) throws {
        let server = try TestServer()
        for row in try HTTPCase.all() where !Self.isAboutJSON(row) {
            // The very long rows say nothing more when they come in single bytes.
            guard pieceBytes > 1 || row.bytes.count <= 4096 else { continue }
            let problems = try run(row, server.address, pieceBytes: pieceBytes)
            #expect(problems.isEmpty, "\(row.name): \(problems)")
        }
    }

    private func run(
        _ row: HTTPCase, _ address: SocketAddress, pieceBytes: Int
    ) throws -> [String] {
        let client = try TestClient(address)
        client.send(row.bytes, pieceBytes: pieceBytes)
        if row.has("half_close") { client.shutDownSending() }

        let wanted = row.number("responses") ?? 1
        let methods = row.options["methods"]?.split(separator: ",").map(String.init) ?? []
        var finals: [TestClient.Response] = []
        var interimCount = 0
        while finals.count < wanted {
            let method = finals.count < methods.count ? methods[finals.count] : "GET"
            guard let response = try client.response(to: method) else { break }
            if response.status < 200 { interimCount += 1 } else { finals.append(response) }
        }
        var problems = finals.flatMap(hygiene)
        problems += outcome(row, finals)
        if interimCount > 0 && row.options["interim"] == "forbidden" { problems.append("1xx") }
        problems += try connection(row, client, finals)
        return problems
    }

    /// The statuses.
    private func outcome(_ row: HTTPCase, _ finals: [TestClient.Response]) -> [String] {
        var problems: [String] = []
        let status = finals.first?.status
        switch row.outcome {
        case .close:
            if let status, status != 400 && status != 408 { problems.append("status \(status)") }
            return problems
        case .status(let wanted):
            if status != wanted { problems.append("status \(String(describing: status))") }
        case .route:
            let rejections = [413, 414, 417, 431, 501, 505]
            if let status, !rejections.contains(status), status < 500 {
                if status == 400 && !row.staysOpen { problems.append("rejected") }
            } else {
                problems.append("status \(String(describing: status))")
            }
        }
        if let wanted = row.number("status"), status != wanted {
            problems.append("status \(String(describing: status)), not \(wanted)")
        }
        for (index, wanted) in (row.options["statuses"]?.split(separator: ",") ?? []).enumerated()
        where wanted != "*" {
            guard index < finals.count, String(finals[index].status) == wanted else {
                problems.append("statuses \(finals.map(\.status))")
                break
            }
        }
        let minimum = row.number("min_responses") ?? row.number("responses") ?? 1
        if finals.count < minimum && !row.has("close_ok") && !row.has("statuses") {
            problems.append("\(finals.count) responses")
        }
        return problems
    }

    /// What becomes of the connection: usable, or closed with nothing more said.
    private func connection(
        _ row: HTTPCase, _ client: TestClient, _ finals: [TestClient.Response]
    ) throws -> [String] {
        let wantsOpen = row.staysOpen && row.outcome != .close
        guard wantsOpen && !row.has("half_close") else {
            guard client.readToEnd() || row.has("close_ok") else { return ["left open"] }
            return client.buffer.isEmpty ? [] : ["more responses than requests"]
        }
        client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        guard let probe = try client.response() else {
            return client.hasEnded && row.has("close_ok") ? [] : ["not usable"]
        }
        guard probe.status == 200, client.readToEnd(), client.buffer.isEmpty else {
            return ["poisoned: \(probe.status)"]
        }
        return []
    }

    private func hygiene(_ response: TestClient.Response) -> [String] {
        var problems: [String] = []
        if response["date"] == nil { problems.append("no Date") }
        if response.status == 405 && response["allow"] == nil { problems.append("no Allow") }
        if response.status == 204 && response["content-length"] != nil {
            problems.append("204 with a length")
        }
        if response["x-content-type-options"] != "nosniff" { problems.append("no nosniff") }
        return problems
    }
}
