import HTTPWire

/// The media types of request content that the service reads (RFC 9110 §8.3.1).
package enum MediaType {
    /// What it asks for instead of another type.
    package static let json = "application/json"

    /// Whether a Content-Type says JSON: `application/json`, or another type with the suffix `+json`.
    ///
    /// Parameters are not looked at: JSON has none, a charset changes nothing (RFC 8259 §11).
    package static func isJSON(_ value: ArraySlice<UInt8>) -> Bool {
        let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.endIndex
        let essence = value[..<end].trimmingBlanks()
        if ASCII.equals(essence, ignoringCase: json) { return true }
        guard let slash = essence.firstIndex(of: UInt8(ascii: "/")) else { return false }
        let (type, subtype) = (essence[..<slash], essence[(slash + 1)...])
        return ASCII.equals(subtype.suffix(5), ignoringCase: "+json") && subtype.count > 5
            && !type.isEmpty && type.allSatisfy(ASCII.isTokenCharacter)
            && subtype.allSatisfy(ASCII.isTokenCharacter)
    }
}
