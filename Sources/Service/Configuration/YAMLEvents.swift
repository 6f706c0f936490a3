import CYAML

/// libyaml's stream of events over a text in memory.
///
/// The one place of this room that touches C memory: the parser's state and the events, which libyaml
/// allocates, are freed here.
struct YAMLEvents {
    enum Event: Equatable {
        case scalar(String)
        case mappingStart, mappingEnd, sequenceStart, sequenceEnd
        case end
    }

    struct Problem: Error {
        var line: Int
        var message: String
    }

    private(set) var current = Event.end
    /// The current event's line, from 1.
    private(set) var line = 1

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Begins to parse; `end()` must be called when done.
    init(text: [UInt8]) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: text.count)
        _ = input.initialize(from: text)
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, input.baseAddress, text.count)
    }

    /// Frees the parser.
    mutating func end() {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    func problem(_ message: String) -> Problem {
        Problem(line: line, message: message)
    }

    /// The next event that carries content; `end` after the last.
    @discardableResult
    mutating func next() throws(Problem) -> Event {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else {
                line = Int(parser.pointee.problem_mark.line) + 1
                let reason = parser.pointee.problem.map { String(cString: $0) } ?? "not valid YAML"
                throw problem(reason)
            }
            defer { yaml_event_delete(&event) }
            line = Int(event.start_mark.line) + 1
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                current = .scalar(String(decoding: bytes, as: UTF8.self))
            case YAML_MAPPING_START_EVENT: current = .mappingStart
            case YAML_MAPPING_END_EVENT: current = .mappingEnd
            case YAML_SEQUENCE_START_EVENT: current = .sequenceStart
            case YAML_SEQUENCE_END_EVENT: current = .sequenceEnd
            case YAML_STREAM_END_EVENT: current = .end
            case YAML_ALIAS_EVENT: throw problem("aliases are not supported")
            default: continue
            }
            return current
        }
    }
}
