/// Case mapping and decomposition of single scalars, frozen at the reference's editions of Unicode.
struct ScalarMappings: Sendable {
    /// Lower case without context, as the reference maps it.
    static let lower: ScalarMappings = {
        var mappings = ScalarMappings()
        for word in CaseMappingData.lower.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let text = String(word)
            var numbers = Array(HexadecimalFields(text))
            if numbers.count > 1, numbers[0].separator == UInt8(ascii: "=") {
                mappings.insert(numbers.removeFirst().value, numbers.map(\.value))
            } else if numbers.count == 4 {
                let isNegative = numbers[2].separator == UInt8(ascii: "-")
                for scalar in stride(
                    from: numbers[0].value, through: numbers[1].value,
                    by: Int(numbers[2].value))
                {
                    let delta = numbers[3].value
                    mappings.insert(scalar, [isNegative ? scalar &- delta : scalar &+ delta])
                }
            }
        }
        return mappings
    }()

    /// Full canonical decompositions, Hangul aside.
    static let canonical = ScalarMappings(images: DecompositionData.canonical)

    /// Full compatibility decompositions, Hangul aside.
    static let compatibility: ScalarMappings = {
        var mappings = canonical
        mappings.insert(images: CompatibilityData.compatibility)
        return mappings
    }()

    /// For each scalar the position in `images` of its image's length; 0 for none.
    private var positions = ScalarTable(default: 0)
    /// Lengths, each followed by so many scalars.
    private var images: [UInt32] = [0]
    /// The scalars which have an image.
    private(set) var scalars: [UInt32] = []

    init() {}

    init(images text: String) {
        insert(images: text)
    }

    /// Adds `scalar=a,b` words.
    private mutating func insert(images text: String) {
        var scalar: UInt32?
        var image: [UInt32] = []
        for (value, separator) in HexadecimalFields(text) {
            if separator == UInt8(ascii: "=") {
                if let scalar { insert(scalar, image) }
                scalar = value
                image = []
            } else {
                image.append(value)
            }
        }
        if let scalar { insert(scalar, image) }
    }

    private mutating func insert(_ scalar: UInt32, _ image: [UInt32]) {
        positions.set(scalar, to: UInt32(images.count))
        images.append(UInt32(image.count))
        images.append(contentsOf: image)
        scalars.append(scalar)
    }

    /// Calls `body` with each scalar of the image, or with the scalar itself when it has none.
    @inline(__always)
    func forEach(of scalar: UInt32, _ body: (UInt32) -> Void) {
        let position = Int(positions[scalar])
        guard position != 0 else { return body(scalar) }
        for offset in 1...Int(images[position]) { body(images[position + offset]) }
    }

    /// The image as an array.
    subscript(scalar: UInt32) -> [UInt32] {
        var result: [UInt32] = []
        forEach(of: scalar) { result.append($0) }
        return result
    }
}

/// Hangul syllables, whose decomposition is arithmetic (The Unicode Standard, section 3.12).
enum Hangul {
    static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

    /// Calls `body` with the two or three letters of a syllable.
    @inline(__always)
    static func forEachLetter(of syllable: UInt32, _ body: (UInt32) -> Void) {
        let index = syllable - syllables.lowerBound
        body(0x1100 + index / 588)
        body(0x1161 + index % 588 / 28)
        if index % 28 != 0 { body(0x11A7 + index % 28) }
    }

    /// The syllable of two letters, or of a syllable and a final letter.
    static func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return syllables.lowerBound + ((first - 0x1100) * 21 + (second - 0x1161)) * 28
        }
        if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0,
            (0x11A8..<0x11C3).contains(second)
        {
            return first + (second - 0x11A7)
        }
        return nil
    }
}

/// Canonical combining classes of Unicode 9.
enum CombiningClass {
    /// The class of every scalar.
    static let table: ScalarTable = {
        var table = ScalarTable(default: 0)
        forEachRange { value, range in table.update(range) { _ in value } }
        return table
    }()

    /// Calls `body` with each range of scalars of a class other than 0.
    static func forEachRange(_ body: (_ value: UInt32, _ range: ClosedRange<UInt32>) -> Void) {
        for word in DecompositionData.combiningClass.split(whereSeparator: {
            $0 == " " || $0 == "\n"
        }) {
            guard let colon = word.firstIndex(of: ":"),
                let value = UInt32(word[..<colon], radix: 16)
            else { continue }
            for range in ScalarRanges(parsing: String(word[word.index(after: colon)...])) {
                body(value, range)
            }
        }
    }
}
