extension AlignedText {
    /// Normal form NFD or NFKD.
    mutating func decompose(by mappings: ScalarMappings) {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return }
        transform(decomposed(by: mappings))
    }

    /// Normal form NFC or NFKC.
    mutating func compose(isCompatible: Bool) {
        guard !isComposed(isCompatible: isCompatible) else { return }
        let mappings = isCompatible ? ScalarMappings.compatibility : .canonical
        transform(Self.composed(decomposed(by: mappings)))
    }

    /// Whether no scalar is one that composition may change or move: the quick check of UAX 15,
    /// section 9.
    private func isComposed(isCompatible: Bool) -> Bool {
        // Below U+0300, whose UTF-8 begins with CC, canonical composition changes nothing.
        let limit: UInt8 = isCompatible ? 0x80 : 0xCC
        guard bytes.contains(where: { $0 >= limit }) else { return true }
        let table = isCompatible ? ComposedScalars.compatibility : ComposedScalars.canonical
        return allSatisfy { table[$0] == 0 }
    }

    private func decomposed(by mappings: ScalarMappings) -> [Edit] {
        var edits = edits { scalar, emit in
            if Hangul.syllables.contains(scalar) {
                Hangul.forEachLetter(of: scalar, emit)
            } else {
                mappings.forEach(of: scalar, emit)
            }
        }
        Self.order(&edits)
        return edits
    }

    /// Canonical ordering: runs of marks sorted by combining class, stably.
    private static func order(_ edits: inout [Edit]) {
        let classes = CombiningClass.table
        var start = 0
        while start < edits.count {
            guard classes[edits[start].scalar] != 0 else {
                start += 1
                continue
            }
            var end = start
            var last: UInt32 = 0
            var isOrdered = true
            while end < edits.count {
                let combiningClass = classes[edits[end].scalar]
                guard combiningClass != 0 else { break }
                if combiningClass < last { isOrdered = false }
                last = combiningClass
                end += 1
            }
            if !isOrdered { sort(&edits, start..<end, by: classes) }
            start = end
        }
    }

    /// Sorts a run of marks by counting, so that a long one takes no longer for each mark.
    private static func sort(
        _ edits: inout [Edit], _ run: Range<Int>, by classes: borrowing ScalarTable
    ) {
        var places = Array(repeating: 0, count: 257)
        for edit in edits[run] { places[Int(classes[edit.scalar] & 0xFF) + 1] += 1 }
        for combiningClass in 1...256 { places[combiningClass] += places[combiningClass - 1] }
        let old = Array(edits[run])
        for edit in old {
            let combiningClass = Int(classes[edit.scalar] & 0xFF)
            edits[run.lowerBound + places[combiningClass]] = edit
            places[combiningClass] += 1
        }
    }

    /// Canonical composition of decomposed and ordered text; a composed scalar counts the scalars it
    /// swallows as removed.
    private static func composed(_ edits: [Edit]) -> [Edit] {
        let classes = CombiningClass.table
        let pairs = CanonicalPairs.table
        var result: [Edit] = []
        result.reserveCapacity(edits.count)
        /// The starter that marks may join, and the class of the last mark that did not.
        var starter: Int?
        var lastClass: UInt32?
        for edit in edits {
            let combiningClass = classes[edit.scalar]
            if let starter, lastClass.map({ $0 < combiningClass }) ?? true,
                let composed = pairs.composed(result[starter].scalar, edit.scalar)
            {
                result[starter] = Edit(composed, result[starter].change + edit.change - 1)
                continue
            }
            result.append(edit)
            if combiningClass == 0 {
                starter = result.count - 1
                lastClass = nil
            } else if starter != nil {
                lastClass = combiningClass
            }
        }
        return result
    }
}

/// Which scalars normalization to a composed form may change, or move, or join to the one before.
enum ComposedScalars {
    /// 1 for those which NFC may change.
    static let canonical = table(.canonical)
    /// 1 for those which NFKC may change.
    static let compatibility = table(.compatibility)

    private static func table(_ mappings: ScalarMappings) -> ScalarTable {
        var table = ScalarTable(default: 0)
        CombiningClass.forEachRange { _, range in table.update(range) { _ in 1 } }
        // Vowels and final letters of Hangul join the letter or syllable before them.
        table.update(0x1161...0x11C2) { _ in 1 }
        for scalar in CanonicalPairs.table.seconds { table.set(scalar, to: 1) }
        for scalar in mappings.scalars {
            let image = mappings[scalar]
            var composed = image.first
            for part in image.dropFirst() {
                composed = composed.flatMap { CanonicalPairs.table.composed($0, part) }
            }
            if composed != scalar { table.set(scalar, to: 1) }
        }
        return table
    }
}

/// The canonical pairs which compose, Hangul included.
struct CanonicalPairs: Sendable {
    static let table = CanonicalPairs()

    private var composites: [UInt64: UInt32] = [:]
    /// The second scalars of all pairs.
    private(set) var seconds: Set<UInt32> = []

    private init() {
        let numbers = Array(HexadecimalFields(DecompositionData.composition)).map(\.value)
        for index in stride(from: 0, to: numbers.count - 2, by: 3) {
            seconds.insert(numbers[index + 2])
            composites[UInt64(numbers[index + 1]) << 32 | UInt64(numbers[index + 2])] =
                numbers[index]
        }
    }

    /// The scalar which two scalars compose to.
    func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if let syllable = Hangul.composed(first, second) { return syllable }
        // No pair has an ASCII second part.
        return second < 0x80 ? nil : composites[UInt64(first) << 32 | UInt64(second)]
    }
}
