/// The sets of scalars which normalizers and pre-tokenizers ask for.
///
/// The reference library takes its sets from several editions of Unicode; `ScalarClassData` holds
/// them as measured, so the answers do not change with the toolchain.
struct ScalarClasses: OptionSet, Sendable, Hashable {
    let rawValue: UInt32

    /// White_Space.
    static let whiteSpace = ScalarClasses(rawValue: 1 << 0)
    /// Deleted by BERT's cleaning.
    static let cleaned = ScalarClasses(rawValue: 1 << 1)
    /// Dropped by BERT's accent stripping, after canonical decomposition.
    static let nonspacingMark8 = ScalarClasses(rawValue: 1 << 2)
    /// Dropped by StripAccents.
    static let mark9 = ScalarClasses(rawValue: 1 << 3)
    /// Isolated by BertPreTokenizer and Punctuation.
    static let punctuation8 = ScalarClasses(rawValue: 1 << 4)
    /// Matched by Digits.
    static let numeric = ScalarClasses(rawValue: 1 << 5)
    /// `\p{L}` in a pattern.
    static let letter = ScalarClasses(rawValue: 1 << 6)
    /// `\p{N}` in a pattern.
    static let number = ScalarClasses(rawValue: 1 << 7)
    /// `\p{M}` in a pattern.
    static let mark = ScalarClasses(rawValue: 1 << 8)
    /// `\p{P}` in a pattern.
    static let punctuation = ScalarClasses(rawValue: 1 << 9)
    /// `\p{S}` in a pattern.
    static let symbol = ScalarClasses(rawValue: 1 << 10)
    /// `\s` in a pattern.
    static let regexSpace = ScalarClasses(rawValue: 1 << 11)
    /// `\w` in a pattern.
    static let regexWord = ScalarClasses(rawValue: 1 << 12)
    /// Deleted by Nmt.
    static let nmtDeleted = ScalarClasses(rawValue: 1 << 13)
    /// Turned into a space by Nmt.
    static let nmtSpace = ScalarClasses(rawValue: 1 << 14)
    /// Surrounded by spaces by BERT's handling of Chinese characters.
    static let chinese = ScalarClasses(rawValue: 1 << 15)

    /// A word character next to an added token, and in Whitespace.
    static let word = ScalarClasses(rawValue: 1 << 16)

    /// `[\p{Lu}\p{Lt}]` in a pattern.
    static let upper = ScalarClasses(rawValue: 1 << 17)
    /// `\p{Ll}` in a pattern.
    static let lower = ScalarClasses(rawValue: 1 << 18)

    /// The classes of every scalar.
    static let table: ScalarTable = {
        var table = ScalarTable(default: 0)
        for (set, ranges) in sources { table.insert(set.rawValue, ranges: ranges) }
        return table
    }()

    private static let sources: [(ScalarClasses, String)] = [
        (.whiteSpace, ScalarClassData.whiteSpace), (.cleaned, ScalarClassData.cleaned),
        (.nonspacingMark8, ScalarClassData.nonspacingMark8), (.mark9, ScalarClassData.mark9),
        (.punctuation8, ScalarClassData.punctuation8), (.numeric, ScalarClassData.numeric),
        (.letter, ScalarClassData.letter), (.number, ScalarClassData.number),
        (.mark, ScalarClassData.mark), (.punctuation, ScalarClassData.punctuation),
        (.symbol, ScalarClassData.symbol), (.regexSpace, ScalarClassData.regexSpace),
        (.regexWord, ScalarClassData.regexWord), (.nmtDeleted, ScalarClassData.nmtDeleted),
        (.nmtSpace, ScalarClassData.nmtSpace), (.chinese, chineseRanges),
        (.word, ScalarClassData.word), (.upper, CaseClassData.upper),
        (.lower, CaseClassData.lower),
    ]

    /// CJK ideographs as the reference lists them; the gap at 2B820 is its own.
    static let chineseRanges =
        "3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B81F 2B920-2CEAF 2F800-2FA1F"

    /// Whether a scalar is in any of the given sets.
    @inline(__always)
    static func contains(_ scalar: UInt32, _ classes: ScalarClasses) -> Bool {
        table[scalar] & classes.rawValue != 0
    }
}
