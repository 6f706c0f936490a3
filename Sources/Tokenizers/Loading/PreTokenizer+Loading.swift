extension PreTokenizer {
    private static let supported = [
        "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength",
        "Metaspace", "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace",
        "WhitespaceSplit",
    ]

    /// A `pre_tokenizer` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "BertPreTokenizer": self = .bert
        case "ByteLevel":
            self = .byteLevel(
                addsPrefixSpace: try field.bool("add_prefix_space", default: true),
                splitsWords: try field.bool("use_regex", default: true))
        case "CharDelimiterSplit": self = .delimiter(Array(try field.string("delimiter").utf8))
        case "Digits":
            self = .digits(isIndividual: try field.bool("individual_digits", default: false))
        case "FixedLength":
            self = .fixedLength(max(1, try field.member("length")?.int() ?? 5))
        case "Metaspace": self = .metaspace(try Metaspace(from: field))
        case "Punctuation":
            self = .punctuation(try SplitBehavior(from: field, default: .isolated))
        case "Split":
            self = .split(
                try SplitPattern(from: try field.required("pattern")),
                try SplitBehavior(from: field, default: .isolated),
                isInverted: try field.bool("invert", default: false))
        case "UnicodeScripts": self = .scripts
        case "Whitespace": self = .whitespace
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Sequence":
            var steps: [PreTokenizer] = []
            for step in try field.required("pretokenizers").elements() {
                steps.append(try PreTokenizer(from: step))
            }
            self = .sequence(steps)
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }
}

extension Metaspace {
    init(from field: Field) throws(TokenizerFileError) {
        replacement = Array(try field.string("replacement", default: "▁").utf8)
        guard !replacement.isEmpty else {
            throw try field.required("replacement").error("must not be empty")
        }
        splits = try field.bool("split", default: true)
        let name = try field.string("prepend_scheme", default: "always")
        guard let named = Scheme(rawValue: name) else {
            throw try field.required("prepend_scheme").error("must be always, first or never")
        }
        // The older spelling of never.
        scheme = try field.bool("add_prefix_space", default: true) ? named : .never
    }
}

extension SplitBehavior {
    init(from field: Field, default standard: SplitBehavior) throws(TokenizerFileError) {
        guard let behavior = try field.member("behavior") else {
            self = standard
            return
        }
        guard let value = SplitBehavior(rawValue: try behavior.string()) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw behavior.error("must be one of \(names)")
        }
        self = value
    }
}

extension SplitPattern {
    /// A `{"String": …}` or a `{"Regex": …}` that is known.
    init(from field: Field) throws(TokenizerFileError) {
        if let text = try field.member("String") {
            self = .literal(Array(try text.string().utf8))
            return
        }
        let regex = try field.required("Regex")
        guard let pattern = SplitPattern(regex: try regex.string()) else {
            throw regex.error(
                "the pattern \(try regex.string().debugDescription) is not supported; supported: "
                    + Self.knownNames)
        }
        self = pattern
    }
}
