import JSON

extension EmbeddingsResponse {
    /// The body where inputs have become tokens or chunks.
    func body(of rows: [[Float]]) -> [UInt8] {
        var json = JSONWriter(capacity: rows.reduce(256) { $0 + $1.count * 13 })
        begin(&json)
        writeInputs(rows, from: 0, to: &json)
        end(&json)
        return json.bytes
    }

    /// Writes what each input became, of which the first is input `first`.
    func writeInputs(_ rows: [[Float]], from first: Int, to json: inout JSONWriter) {
        var next = 0
        for (index, layout) in layouts.enumerated() {
            if first + index > 0 { json.raw(",") }
            json.raw(#"{"object":"embedding","index":"#)
            json.number(first + index)
            let items = rows[next..<next + layout.workCount]
            next += layout.workCount
            write(items, layout, to: &json)
            json.raw("}")
        }
    }

    /// One vector for each input, where each has one: what the body would hold.
    func vectors(_ rows: [[Float]]) -> [[Float]] {
        var next = 0
        return layouts.isEmpty
            ? rows
            : layouts.map { layout in
                let items = rows[next..<next + layout.workCount]
                next += layout.workCount
                guard case .mean(let weights) = layout else { return items.first ?? [] }
                return mean(items, weights)
            }
    }

    private func write(
        _ items: ArraySlice<[Float]>, _ layout: InputLayout, to json: inout JSONWriter
    ) {
        let first = items.first ?? []
        switch layout {
        case .vector:
            json.raw(#","embedding":"#)
            write(first[...], to: &json)
        case .mean(let weights):
            json.raw(#","embedding":"#)
            write(mean(items, weights)[...], to: &json)
        case .chunks(let ranges):
            writeChunks(ranges, items.map { $0[...] }, to: &json)
        case .spans(let ranges):
            let width = first.count / max(1, ranges.count)
            writeChunks(
                ranges, ranges.indices.map { first[$0 * width..<($0 + 1) * width] }, to: &json)
        case .tokens(let places):
            writeTokens(places, first, to: &json)
        }
    }

    private func writeChunks(
        _ ranges: [Range<Int>], _ vectors: [ArraySlice<Float>], to json: inout JSONWriter
    ) {
        json.raw(#","chunks":["#)
        for (index, range) in ranges.enumerated() {
            json.raw(index > 0 ? #",{"start":"# : #"{"start":"#)
            json.number(range.lowerBound)
            json.raw(#","stop":"#)
            json.number(range.upperBound)
            json.raw(#","embedding":"#)
            write(vectors[index], to: &json)
            json.raw("}")
        }
        json.raw("]")
    }

    /// Token vectors are the backbone's: neither cut nor scaled.
    private func writeTokens(
        _ places: [TokenPlace], _ rows: [Float], to json: inout JSONWriter
    ) {
        let width = rows.count / max(1, places.count)
        json.raw(#","tokens":["#)
        for (index, place) in places.enumerated() {
            json.raw(index > 0 ? #",{"id":"# : #"{"id":"#)
            json.number(Int(place.id))
            json.raw(#","text":"#)
            json.string(place.text)
            json.raw(#","special":"#)
            json.raw(place.isSpecial ? "true" : "false")
            json.raw(#","start":"#)
            json.raw(place.bytes.map { String($0.lowerBound) } ?? "null")
            json.raw(#","stop":"#)
            json.raw(place.bytes.map { String($0.upperBound) } ?? "null")
            json.raw(#","embedding":"#)
            writeWhole(rows[index * width..<(index + 1) * width], to: &json)
            json.raw("}")
        }
        json.raw("]")
    }

    /// The mean of the chunks' vectors, each weighted by its tokens; of length 1 if the model's are.
    private func mean(_ items: ArraySlice<[Float]>, _ weights: [Int]) -> [Float] {
        guard let first = items.first, items.count > 1 else { return items.first ?? [] }
        var sum = [Double](repeating: 0, count: first.count)
        for (vector, weight) in zip(items, weights) {
            for index in sum.indices { sum[index] += Double(weight) * Double(vector[index]) }
        }
        let total = Double(weights.reduce(0, +))
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let divisor = normalizes && length > 0 ? length : total
        return sum.map { Float($0 / divisor) }
    }
}
