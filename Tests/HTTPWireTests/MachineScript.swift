import HTTPWire

/// What a connection machine made of a stream of bytes, whatever the pieces it came in.
struct MachineTrace: Equatable {
    struct Exchange: Equatable {
        var head: RequestHead
        var content: [UInt8] = []
        var isComplete = false
    }

    var exchanges: [Exchange] = []
    var failure: ProtocolFailure?
    var endsInPhase = ConnectionMachine.Phase.idle
}

/// A shell without socket or clock: admits everything and answers at once.
struct MachineScript {
    private var machine: ConnectionMachine
    private(set) var trace = MachineTrace()
    private var isOver = false

    init(limits: HTTPLimits = HTTPLimits(), isSecure: Bool = false) {
        machine = ConnectionMachine(limits: limits, isSecure: isSecure)
    }

    /// Runs the bytes, cut at the given positions.
    static func run(_ bytes: [UInt8], cutAt cuts: [Int] = []) -> MachineTrace {
        var script = MachineScript()
        var start = 0
        for end in cuts + [bytes.count] {
            // Guard bytes on both sides show any step outside the range.
            script.feed([0] + bytes[start..<end] + [0], 1..<(end - start + 1))
            start = end
        }
        return script.trace
    }

    mutating func feed(_ input: [UInt8], _ range: Range<Int>) {
        var range = range
        while !isOver {
            switch machine.consume(input, &range) {
            case .awaitInput, .hold:
                trace.endsInPhase = machine.phase
                return
            case .decide(let head):
                trace.exchanges.append(MachineTrace.Exchange(head: head))
                do throws(ProtocolFailure) {
                    _ = try machine.admit(bodyBytesMaximum: .max, hasInput: !range.isEmpty)
                } catch {
                    end(error)
                }
            case .content(let content):
                trace.exchanges[trace.exchanges.count - 1].content += input[content]
            case .deliver:
                trace.exchanges[trace.exchanges.count - 1].isComplete = true
                machine.beginResponse()
                if machine.endResponse() == .linger { isOver = true }
            case .fail(let failure): end(failure)
            case .close: isOver = true
            }
            trace.endsInPhase = machine.phase
        }
    }

    private mutating func end(_ failure: ProtocolFailure) {
        trace.failure = failure
        isOver = true
    }
}
