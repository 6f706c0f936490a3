import JSON
import Service

/// Whether a text is JSON, by the reader alone, which builds nothing.
private func isJSON(_ bytes: [UInt8]) -> Bool {
    var reader = JSONReader(bytes)
    do {
        try reader.skipValue()
        try reader.end()
        return true
    } catch {
        precondition(error.offset <= bytes.count && !error.problem.isEmpty)
        return false
    }
}

private func write(_ value: JSONValue, to json: inout JSONWriter) {
    switch value {
    case .null: json.raw("null")
    case .bool(let bool): json.raw(bool ? "true" : "false")
    case .number(let number): json.raw(number.text)
    case .string(let text): json.string(text)
    case .array(let elements):
        json.raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { json.raw(",") }
            write(element, to: &json)
        }
        json.raw("]")
    case .object(let object):
        json.raw("{")
        for (index, member) in object.members.enumerated() {
            if index > 0 { json.raw(",") }
            json.string(member.key)
            json.raw(":")
            write(member.value, to: &json)
        }
        json.raw("}")
    }
}

/// The inputs as the tree of the body has them; nil when the tree's `input` is none of the four forms.
private func inputs(of tree: JSONValue?) -> [EmbeddingsRequest.Input]? {
    switch tree {
    case .string(let text): return [.text(text)]
    case .array(let elements):
        if case .number = elements.first { return ids(elements).map { [.tokenIDs($0)] } }
        let inputs = elements.compactMap { element -> EmbeddingsRequest.Input? in
            switch element {
            case .string(let text): .text(text)
            case .array(let numbers): ids(numbers).map { .tokenIDs($0) }
            default: nil
            }
        }
        return inputs.count == elements.count ? inputs : nil
    default: return nil
    }
}

private func ids(_ elements: [JSONValue]) -> [Int32]? {
    let ids = elements.compactMap { $0.double.flatMap(Int32.init(exactly:)) }
    return ids.count == elements.count ? ids : nil
}

private func checkError(_ error: APIError) {
    precondition(error.status.code == 400, "\(error)")
    precondition(error.message.utf8.count < 4096, "the message is as long as the input")
    let body = try? JSONValue(parsing: error.body)
    precondition(body?.object?["error"]?.object?["message"]?.string == error.message, "\(error)")
}

/// Oracles: readers agree on what JSON is; what is written reads back; a request holds what its
/// JSON holds; an error is a 400 whose body is JSON.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEmbeddingsRequest(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let isValid = isJSON(bytes)
    let tree = try? JSONValue(parsing: bytes)
    if let tree {
        precondition(isValid)
        var json = JSONWriter()
        write(tree, to: &json)
        let back = try? JSONValue(parsing: json.bytes)
        precondition(back == tree, "\(String(decoding: json.bytes, as: UTF8.self))")
    }
    do throws(APIError) {
        let request = try EmbeddingsRequest(parsing: bytes, inputsMaximum: 16)
        precondition(isValid && !request.inputs.isEmpty && request.inputs.count <= 16)
        // Without a tree, some key that is not the request's is there twice.
        if let tree {
            precondition(inputs(of: tree.object?["input"]) == request.inputs)
            precondition(tree.object?["model"]?.string == request.model)
        }
    } catch {
        checkError(error)
    }
    do throws(APIError) {
        let request = try TokenizeRequest(parsing: bytes, inputsMaximum: 16)
        precondition(isValid && request.inputs.count <= 16)
    } catch {
        checkError(error)
    }
    return 0
}
