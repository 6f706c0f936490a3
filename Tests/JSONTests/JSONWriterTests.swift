import FoundationEssentials
import JSON
import Testing

struct JSONWriterTests {
    @Test func stringsReadBackAsTheyWere() throws {
        var text = String((0..<0x180).compactMap { Unicode.Scalar($0).map(Character.init) })
        text += "\u{2028}😀\"\\"
        var writer = JSONWriter()
        writer.string(text)
        var reader = JSONReader(writer.bytes)
        #expect(try reader.readString().unicodeScalars.elementsEqual(text.unicodeScalars))
    }

    @Test(arguments: 1...7)
    func base64IsWhatFoundationMakes(count: Int) {
        let values = (0..<count).map { Float($0) * 1.37 - 2 }
        var writer = JSONWriter()
        writer.base64(values[...])
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        let text = String(decoding: writer.bytes, as: UTF8.self)
        #expect(text == "\"" + Data(bytes).base64EncodedString() + "\"")
    }

    @Test func numbersReadBackAsTheyWere() throws {
        let values: [Float] = [0.1, -0.05, 1e-9, 3.4e38, 1, -0.0, 123456.79]
        var writer = JSONWriter()
        writer.array(values[...])
        let read = try JSONValue(parsing: writer.bytes).array?.map { Float($0.double ?? .nan) }
        #expect(read == values)
    }
}
