extension AlignedText {
    /// Normal form NFD or NFKD.
    mutating func decompose(by mappings: ScalarMappings) {
        transform(decomposed(by: mappings))
    }

    /// Normal form NFC or NFKC.
    mutating func compose(by mappings: ScalarMappings) {
        transform(Self.composed(decomposed(by: mappings)))
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
        var run: [(combiningClass: UInt32, edit: Edit)] = []
        var isOrdered = true
        for index in 0...edits.count {
            let combiningClass = index < edits.count ? classes[edits[index].scalar] : 0
            if combiningClass != 0 {
                if let last = run.last, last.combiningClass > combiningClass { isOrdered = false }
                run.append((combiningClass, edits[index]))
                continue
            }
            if !isOrdered {
                // The standard library's sort is stable in fact but not by promise: sort by class,
                // then by place.
                let order = run.indices.sorted {
                    (run[$0].combiningClass, $0) < (run[$1].combiningClass, $1)
                }
                for (place, source) in order.enumerated() {
                    edits[index - run.count + place] = run[source].edit
                }
                isOrdered = true
            }
            run.removeAll(keepingCapacity: true)
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

/// The canonical pairs which compose, Hangul included.
struct CanonicalPairs: Sendable {
    static let table = CanonicalPairs()

    private var composites: [UInt64: UInt32] = [:]

    private init() {
        let numbers = Array(HexadecimalFields(DecompositionData.composition)).map(\.value)
        for index in stride(from: 0, to: numbers.count - 2, by: 3) {
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
