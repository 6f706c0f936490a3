import JSON
import TestSupport
import Testing
import Tokenizers

/// Every component of `tokenizer.json` alone, against the reference library.
struct ComponentTests {
    /// A row of `components.jsonl`: a tokenizer around one component.
    struct Row: Sendable, CustomStringConvertible {
        let description: String
        let json: [UInt8]
        let cases: [Case]

        /// What is encoded, and the hash of what comes of it.
        struct Case: Sendable {
            var text: String
            var pair: String?
            var limit: Int?
            var cutsLeft = false
            var golden: UInt32
        }

        /// - Parameter texts: what a row has that has no cases of its own.
        init?(_ line: [UInt8], texts: [JSONValue]) throws {
            let row = try JSONValue(parsing: line).object
            guard let name = row?["name"]?.string, let json = row?["tokenizer"]?.string,
                let golden = row?["golden"]?.string.map({ Array($0.utf8) })
            else { return nil }
            description = name
            self.json = Array(json.utf8)
            let cases = row?["cases"]?.array ?? texts.map { .array([$0]) }
            guard golden.count == cases.count * 6 else { return nil }
            self.cases = cases.enumerated().compactMap { index, value in
                let hash = String(decoding: golden[index * 6..<index * 6 + 6], as: UTF8.self)
                guard let fields = value.array, let text = fields.first?.string,
                    let golden = UInt32(hash, radix: 16)
                else { return nil }
                return Case(
                    text: text, pair: fields.count > 1 ? fields[1].string : nil,
                    limit: fields.count > 2 ? fields[2].int : nil,
                    cutsLeft: fields.count > 3 && fields[3].string == "left", golden: golden)
            }
        }
    }

    static let rows: [Row] = {
        let lines = (try? Fixture.lines("tokenizers/components.jsonl")) ?? []
        let texts = lines.first.flatMap { try? JSONValue(parsing: $0).object?["texts"]?.array }
        return lines.dropFirst().compactMap { try? Row($0, texts: texts ?? []) }
    }()

    @Test func readsAllRows() {
        #expect(Self.rows.count > 100)
        #expect(Self.rows.allSatisfy { !$0.cases.isEmpty })
    }

    @Test(arguments: rows)
    func doesAsTheReference(_ row: Row) throws {
        let right = try Tokenizer(tokenizerJSON: row.json)
        let left = try Tokenizer(
            tokenizerJSON: row.json,
            tokenizerConfiguration: Array(#"{"truncation_side":"left"}"#.utf8))
        for item in row.cases {
            let tokenizer = item.cutsLeft ? left : right
            let encoding =
                if let pair = item.pair {
                    tokenizer.encode(item.text, and: pair, maxLength: item.limit)
                } else {
                    tokenizer.encode(item.text, maxLength: item.limit)
                }
            var hash = EncodingHash()
            hash.add(encoding)
            #expect(hash.folded == item.golden, "\(item) \(encoding.ids) \(encoding.offsets)")
            if item.pair == nil {
                #expect(tokenizer.tokenIDs(item.text, maxLength: item.limit).ids == encoding.ids)
            }
        }
    }
}
