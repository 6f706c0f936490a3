import HTTPWire
import Testing

/// Scripts: events in, steps out.
struct ConnectionMachineTests {
    private static let get = Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)

    private func decided(_ text: String, _ machine: inout ConnectionMachine) {
        let bytes = Array(text.utf8)
        var range = 0..<bytes.count
        guard case .decide = machine.consume(bytes, &range) else {
            Issue.record("no decision")
            return
        }
    }

    private func post(_ fields: String) -> String {
        "POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n"
    }

    @Test func oneRequestIsInHandAtATime() throws {
        var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
        let two = Self.get + Self.get
        var range = 0..<two.count
        guard case .decide = machine.consume(two, &range) else { return }
        #expect(try !machine.admit(bodyBytesMaximum: .max, hasInput: true))
        guard case .deliver = machine.consume(two, &range) else { return }
        #expect(range == Self.get.count..<two.count)
        guard case .hold = machine.consume(two, &range) else {
            Issue.record("the second request was taken before the first was answered")
            return
        }
        machine.beginResponse()
        #expect(machine.endResponse() == .continueReading)
        #expect(machine.phase == .idle)
        guard case .decide = machine.consume(two, &range) else {
            Issue.record("the second request was lost")
            return
        }
    }

    @Test func asksForContentOnlyWhenTheClientWaits() throws {
        for (fields, hasInput, expected) in [
            ("Expect: 100-continue\r\nContent-Length: 1", false, true),
            ("Expect: 100-continue\r\nContent-Length: 1", true, false),
            ("Expect: 100-continue\r\nContent-Length: 0", false, false),
            ("Expect: 100-continue\r\nTransfer-Encoding: chunked", false, true),
            ("Content-Length: 1", false, false),
        ] {
            var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
            decided(post(fields), &machine)
            let sends = try machine.admit(bodyBytesMaximum: .max, hasInput: hasInput)
            #expect(sends == expected, "\(fields)")
        }
    }

    @Test func drainsSmallRefusedContentAndNothingElse() {
        for (fields, isKept) in [
            ("Content-Length: 5", true), ("Content-Length: 65536", true),
            ("Content-Length: 65537", false), ("Transfer-Encoding: chunked", true),
            ("Expect: 100-continue\r\nContent-Length: 5", false),
        ] {
            var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
            decided(post(fields), &machine)
            machine.refuse()
            machine.beginResponse()
            #expect(machine.endResponse() == (isKept ? .continueReading : .linger), "\(fields)")
            #expect(machine.phase == (isKept ? .draining : .lingering), "\(fields)")
        }
    }

    @Test func readsTheNextRequestAfterDraining() {
        var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
        decided(post("Content-Length: 5"), &machine)
        machine.refuse()
        machine.beginResponse()
        _ = machine.endResponse()
        let bytes = Array("GET /".utf8) + Self.get
        var range = 0..<bytes.count
        guard case .decide(let head) = machine.consume(bytes, &range) else {
            Issue.record("the dropped content was read as a request")
            return
        }
        #expect(head.target == "/")
        #expect(range.isEmpty)
    }

    @Test func aHalfCloseIsAnswered() throws {
        var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
        #expect(machine.endInput(hasHeldInput: false) == .close)
        decided("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &machine)
        _ = try machine.admit(bodyBytesMaximum: .max, hasInput: false)
        var nothing = 0..<0
        guard case .deliver = machine.consume([], &nothing) else { return }
        #expect(machine.endInput(hasHeldInput: false) == .keepAnswering)
        #expect(machine.closesAfterResponse)
    }

    @Test func anUnfinishedRequestIsNeverDelivered() throws {
        var machine = ConnectionMachine(limits: HTTPLimits(), isSecure: false)
        decided(post("Content-Length: 5"), &machine)
        _ = try machine.admit(bodyBytesMaximum: .max, hasInput: false)
        #expect(machine.endInput(hasHeldInput: false) == .fail(.malformed(.incomplete)))
    }

    @Test func countsRequests() throws {
        var machine = ConnectionMachine(
            limits: HTTPLimits(), isSecure: false, requestCountMaximum: 2)
        for isLast in [false, true] {
            var range = 0..<Self.get.count
            guard case .decide = machine.consume(Self.get, &range) else { return }
            _ = try machine.admit(bodyBytesMaximum: .max, hasInput: false)
            guard case .deliver = machine.consume(Self.get, &range) else { return }
            #expect(machine.closesAfterResponse == isLast)
            machine.beginResponse()
            #expect(machine.endResponse() == (isLast ? .linger : .continueReading))
        }
    }
}
