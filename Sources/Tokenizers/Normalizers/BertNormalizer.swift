/// BERT's normalizer: cleaning, spaces around Chinese characters, accents off, lower case.
struct BertNormalizer: Sendable, Equatable {
    /// Delete control characters and make every white space a space.
    var cleansText = true
    /// Put spaces around CJK ideographs.
    var isolatesChinese = true
    /// Decompose and drop nonspacing marks; nil follows `lowercases`.
    var stripsAccents: Bool?
    /// Map to lower case.
    var lowercases = true

    /// Whether accents go, the default resolved.
    var dropsMarks: Bool { stripsAccents ?? lowercases }

    func normalize(_ text: inout AlignedText) {
        if cleansText {
            text.filter { $0 != 0 && $0 != 0xFFFD && !ScalarClasses.contains($0, .cleaned) }
            text.map { ScalarClasses.contains($0, .whiteSpace) ? 0x20 : $0 }
        }
        if isolatesChinese { isolateChinese(&text) }
        if dropsMarks {
            text.decompose(by: .canonical)
            text.filter { !ScalarClasses.contains($0, .nonspacingMark8) }
        }
        if lowercases { text.lowercase() }
    }

    private func isolateChinese(_ text: inout AlignedText) {
        text.transform(
            text.edits { scalar, emit in
                let isChinese = ScalarClasses.contains(scalar, .chinese)
                if isChinese { emit(0x20) }
                emit(scalar)
                if isChinese { emit(0x20) }
            })
    }
}
