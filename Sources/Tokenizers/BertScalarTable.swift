/// The joint effect of BERT's normalizer and pre-tokenizer on each scalar.
struct BertScalarTable: Sendable {
    /// What becomes of a scalar.
    enum Action: Sendable, Equatable {
        /// Belongs to a word, as this scalar.
        case keep(UInt32)
        /// Leaves nothing.
        case delete
        /// Ends a word.
        case separate
        /// Is a word of its own, as this scalar.
        case isolate(UInt32)
        /// Becomes several scalars, each with an action: so many expansions from the first.
        case expand(first: Int, count: Int)
        /// A Hangul syllable, which becomes its letters, each kept.
        case letters
        /// A mark which stays and may change places with others.
        case irregular
    }

    /// Actions packed: kind in the top 3 bits, then a scalar, or the index and count of an
    /// expansion; a scalar of `itself` stands for the scalar which was asked for.
    private var table: ScalarTable
    private var expansions: [UInt32] = []
    private let normalizer: BertNormalizer

    private enum Kind {
        static let keep: UInt32 = 0
        static let delete: UInt32 = 1
        static let separate: UInt32 = 2
        static let isolate: UInt32 = 3
        static let expand: UInt32 = 4
        static let irregular: UInt32 = 5
        static let hangul: UInt32 = 6
    }

    private static let itself: UInt32 = 0x1FFFFF

    init(_ normalizer: BertNormalizer) {
        self.normalizer = normalizer
        table = ScalarTable(default: Kind.keep << 29 | Self.itself)
        // From coarse to fine: ranges of one kind first, then each scalar that is changed.
        let isolated = Kind.isolate << 29 | Self.itself
        fill(ScalarClassData.punctuation8) { _ in isolated }
        if normalizer.dropsMarks {
            table.update(Hangul.syllables) { _ in Kind.hangul << 29 }
            CombiningClass.forEachRange { _, range in
                table.update(range) { _ in Kind.irregular << 29 }
            }
            fill(ScalarClassData.nonspacingMark8) { _ in Kind.delete << 29 }
        }
        if normalizer.isolatesChinese {
            fill(ScalarClasses.chineseRanges) { _ in isolated }
        }
        fill(ScalarClassData.whiteSpace) { _ in Kind.separate << 29 }
        if normalizer.dropsMarks {
            for scalar in ScalarMappings.canonical.scalars { setImage(of: scalar) }
        }
        if normalizer.lowercases {
            for scalar in ScalarMappings.lower.scalars { setImage(of: scalar) }
        }
        if normalizer.cleansText {
            fill(ScalarClassData.cleaned) { _ in Kind.delete << 29 }
            table.set(0, to: Kind.delete << 29)
            table.set(0xFFFD, to: Kind.delete << 29)
        }
    }

    /// The action for a scalar.
    @inline(__always)
    subscript(scalar: UInt32) -> Action {
        unpack(table[scalar], for: scalar)
    }

    /// An action of an expansion.
    func expansion(_ index: Int) -> Action {
        unpack(expansions[index], for: 0)
    }

    @inline(__always)
    private func unpack(_ packed: UInt32, for scalar: UInt32) -> Action {
        let payload = packed & 0x1FFF_FFFF
        let image = payload == Self.itself ? scalar : payload
        switch packed >> 29 {
        case Kind.keep: return .keep(image)
        case Kind.delete: return .delete
        case Kind.separate: return .separate
        case Kind.isolate: return .isolate(image)
        case Kind.expand: return .expand(first: Int(payload >> 8), count: Int(payload & 0xFF))
        case Kind.hangul: return .letters
        default: return .irregular
        }
    }

    private mutating func fill(_ ranges: String, _ image: (UInt32) -> UInt32) {
        for range in ScalarRanges(parsing: ranges) { table.update(range, image) }
    }

    /// Follows one scalar through the steps of the normalizer and the pre-tokenizer.
    private mutating func setImage(of scalar: UInt32) {
        if normalizer.cleansText, ScalarClasses.contains(scalar, .whiteSpace) { return }
        let isChinese = normalizer.isolatesChinese && ScalarClasses.contains(scalar, .chinese)
        var actions: [UInt32] = []
        let lowercases = normalizer.lowercases
        let dropsMarks = normalizer.dropsMarks
        let classes = CombiningClass.table
        let decompose = dropsMarks ? ScalarMappings.canonical : ScalarMappings()
        let lower = lowercases ? ScalarMappings.lower : ScalarMappings()
        decompose.forEach(of: scalar) { part in
            if dropsMarks, ScalarClasses.contains(part, .nonspacingMark8) { return }
            if dropsMarks, classes[part] != 0 {
                actions.append(Kind.irregular << 29)
                return
            }
            lower.forEach(of: part) { image in
                if ScalarClasses.contains(image, .whiteSpace) {
                    actions.append(Kind.separate << 29)
                } else if isChinese || ScalarClasses.contains(image, .punctuation8) {
                    actions.append(Kind.isolate << 29 | image)
                } else {
                    actions.append(Kind.keep << 29 | image)
                }
            }
        }
        switch actions.count {
        case 0: table.set(scalar, to: Kind.delete << 29)
        case 1: table.set(scalar, to: actions[0])
        default:
            let first = UInt32(expansions.count)
            let count = UInt32(actions.count)
            table.set(scalar, to: Kind.expand << 29 | first << 8 | count)
            expansions += actions
        }
    }
}
