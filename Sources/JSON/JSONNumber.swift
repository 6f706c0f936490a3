/// A number as it was written: JSON does not say how large or exact a number may be.
package struct JSONNumber: Hashable, Sendable {
    /// The text, which follows RFC 8259 §6.
    package let text: String

    init(text: String) {
        self.text = text
    }

    /// The number when it was written without fraction and exponent and fits; -0 is none.
    package var int: Int? {
        text == "-0" ? nil : Int(text)
    }

    /// The nearest Double; infinite when the number is too large for one.
    package var double: Double {
        Double(text) ?? .nan
    }
}
