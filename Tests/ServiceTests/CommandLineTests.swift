import Service
import Testing

/// What the commands beside `serve` are made of.
struct CommandLineTests {
    // MARK: NumPy's header (numpy/lib/format.py, version 1.0)

    @Test(arguments: [
        (0, 0), (1, 384), (999_999, 1024), (123_456_789_012, 3), (Int.max, Int.max),
    ])
    func npyHeaderIsAligned(rows: Int, columns: Int) {
        let header = VectorWriter.header(rows: rows, columns: columns)
        #expect(header.count % 64 == 0)
        #expect(Array(header.prefix(8)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
        #expect(Int(header[8]) + Int(header[9]) * 256 == header.count - 10)
        let text = String(decoding: header.dropFirst(10), as: UTF8.self)
        let shape = "(\(rows), \(columns))"
        #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"))
        #expect(text.hasSuffix("\n"))
        #expect(text.dropLast().drop { $0 != "}" }.dropFirst().allSatisfy { $0 == " " })
    }

    // MARK: URLs of the health check

    @Test(arguments: [
        "http://127.0.0.1", "http://127.0.0.1/", "http://localhost:8080", "http://[::1]",
        "http://[::1]:8080/health", "http://a:0/x", "http://a:65535/health/ready?x=1:2",
        "https://127.0.0.1", "https://[::1]:8443/health",
    ])
    func takesURLsOfCleartextHTTP(url: String) throws {
        _ = try HealthProbe(url: url, timeoutSeconds: 1)
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "https://", "ftp://127.0.0.1", "HTTP://a", "http://",
        "http:///health",
        "http://:80", "http://a:", "http://a:65536", "http://a:-1", "http://a:+1", "http://a:8o",
        "http://a:99999999999999999999", "http://::1", "http://::1:8080/health",
    ])
    func refusesOtherURLs(url: String) {
        #expect(throws: StartError.self) { try HealthProbe(url: url, timeoutSeconds: 1) }
    }

    @Test(arguments: [0, -1, 3601, .infinity, .nan])
    func refusesTimeoutsWithoutSense(seconds: Double) {
        #expect(throws: StartError.self) {
            try HealthProbe(url: "http://a", timeoutSeconds: seconds)
        }
    }

    /// Port 1 is closed on any machine that runs tests, so the answer comes at once.
    @Test(arguments: [("http://127.0.0.1:1/x", "127.0.0.1:1"), ("http://[::1]:1", "::1:1")])
    func nobodyThereIsUnhealthy(url: String, place: String) throws {
        let outcome = try HealthProbe(url: url, timeoutSeconds: 1).ask()
        #expect(!outcome.isHealthy)
        #expect(outcome.message == "no answer from \(place)")
    }
}
