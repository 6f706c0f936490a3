import HTTPServer
import JSON
import Tokenizers

extension Service {
    /// Answers `POST /tokenize` as text-embeddings-inference does.
    ///
    /// `start` and `stop` are UTF-8 byte offsets into the input; null for added special tokens.
    func tokenize(
        _ request: Request, _ exchange: Exchange, _ context: RequestContext
    ) throws(APIError) {
        let body = try TokenizeRequest(
            parsing: request.body, inputsMaximum: configuration.inputsMaximum)
        let engine = try models().model(namedIfNeeded: body.model).engine
        var json = JSONWriter(capacity: request.body.count * 16 + 64)
        json.raw("[")
        for (index, text) in body.inputs.enumerated() {
            if index > 0 { json.raw(",") }
            let encoding = engine.tokenizer.encode(
                text, maxLength: nil, addSpecialTokens: body.addSpecialTokens)
            Self.append(encoding, of: text, engine.tokenizer, to: &json)
        }
        json.raw("]")
        exchange.respond(self.json(json.bytes, context))
    }

    private static func append(
        _ encoding: Encoding, of text: String, _ tokenizer: Tokenizer, to json: inout JSONWriter
    ) {
        let utf8 = Array(text.utf8)
        json.raw("[")
        for (index, tokenID) in encoding.ids.enumerated() {
            if index > 0 { json.raw(",") }
            json.raw(#"{"id":"#)
            json.number(Int(tokenID))
            json.raw(#","text":"#)
            if let range = encoding.offsets[index] {
                json.string(String(decoding: utf8[range], as: UTF8.self))
            } else {
                json.string(tokenizer.token(for: tokenID) ?? "")
            }
            json.raw(#","special":"#)
            json.raw(encoding.isSpecial[index] ? "true" : "false")
            json.raw(#","start":"#)
            json.raw(encoding.offsets[index].map { String($0.lowerBound) } ?? "null")
            json.raw(#","stop":"#)
            json.raw(encoding.offsets[index].map { String($0.upperBound) } ?? "null")
            json.raw("}")
        }
        json.raw("]")
    }
}
