/// A step that rewrites text before it is split: the `normalizer` of `tokenizer.json`.
indirect enum Normalizer: Sendable, Equatable {
    case bert(BertNormalizer)
    case lowercase
    case canonicalDecomposition
    case sequence([Normalizer])

    func normalize(_ text: inout AlignedText) {
        switch self {
        case .bert(let bert): bert.normalize(&text)
        case .lowercase: text.lowercase()
        case .canonicalDecomposition: text.decompose(by: .canonical)
        case .sequence(let steps):
            for step in steps { step.normalize(&text) }
        }
    }
}

extension AlignedText {
    /// Lower case, scalar by scalar.
    mutating func lowercase() {
        let mappings = ScalarMappings.lower
        transform(edits { scalar, emit in mappings.forEach(of: scalar, emit) })
    }

    /// Normal form NFD or NFKD.
    mutating func decompose(by mappings: ScalarMappings) {
        var edits = edits { scalar, emit in
            if Hangul.syllables.contains(scalar) {
                Hangul.forEachLetter(of: scalar, emit)
            } else {
                mappings.forEach(of: scalar, emit)
            }
        }
        Self.order(&edits)
        transform(edits)
    }

    /// Canonical ordering: runs of marks sorted by combining class, stably.
    private static func order(_ edits: inout [Edit]) {
        let classes = CombiningClass.table
        var run: [(combiningClass: UInt8, edit: Edit)] = []
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
}
