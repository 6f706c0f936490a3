import HTTPWire

/// What a connection makes of a stream of bytes: the requests, their content, and how it ended.
private struct Trace: Equatable {
    var heads: [RequestHead] = []
    var content: [UInt8] = []
    var failure: ProtocolFailure?
    var isClosed = false
    var phase = ConnectionMachine.Phase.idle
}

/// Runs a connection that admits everything and answers at once, with the input cut at `cuts`.
private func run(_ bytes: [UInt8], cuts: [Int]) -> Trace {
    var limits = HTTPLimits()
    // Small enough that inputs of a fuzzer's size reach them.
    limits.requestLineBytesMaximum = 256
    limits.fieldBytesMaximum = 512
    limits.fieldCountMaximum = 8
    limits.bodyBytesMaximum = 1024
    limits.chunkOverheadBytesAllowance = 128
    var machine = ConnectionMachine(limits: limits, isSecure: false)
    var trace = Trace()
    var start = 0
    for end in cuts + [bytes.count] {
        feed(Array(bytes[start..<end]), &machine, &trace)
        start = end
    }
    trace.phase = machine.phase
    return trace
}

private func feed(_ input: [UInt8], _ machine: inout ConnectionMachine, _ trace: inout Trace) {
    var range = 0..<input.count
    while trace.failure == nil && !trace.isClosed {
        switch machine.consume(input, &range) {
        case .awaitInput, .hold: return
        case .decide(let head):
            trace.heads.append(head)
            do throws(ProtocolFailure) {
                _ = try machine.admit(bodyBytesMaximum: 1024, hasInput: !range.isEmpty)
            } catch {
                trace.failure = error
            }
        case .content(let content): trace.content += input[content]
        case .deliver:
            trace.content.append(0)
            machine.beginResponse()
            if machine.endResponse() == .linger { trace.isClosed = true }
        case .fail(let failure): trace.failure = failure
        case .close: trace.isClosed = true
        }
    }
}

/// The first byte seeds the cuts, the rest is what the client sends.
///
/// Oracle: the requests, the content and the failure do not depend on how the bytes are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestParser(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let seed = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let whole = run(bytes, cuts: [])
    var random = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    let cuts = (0..<4).map { _ -> Int in
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % UInt64(bytes.count + 1))
    }
    precondition(run(bytes, cuts: cuts.sorted()) == whole, "the cuts \(cuts) change the meaning")
    precondition(
        run(bytes, cuts: Array(0..<bytes.count)) == whole, "single bytes mean another thing")
    // What was accepted is what it says it is.
    for head in whole.heads {
        precondition(head.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        precondition(head.path == "*" || head.path.utf8.first == UInt8(ascii: "/"))
        precondition(head.fields.count <= 8)
        for index in 0..<head.fields.count {
            precondition(head.fields.name(at: index).allSatisfy(ASCII.isTokenCharacter))
            precondition(head.fields.value(at: index).allSatisfy(ASCII.isFieldValueByte))
        }
    }
    return 0
}
