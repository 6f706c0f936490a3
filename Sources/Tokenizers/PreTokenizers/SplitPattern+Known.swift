/// The regular expressions that tokenizer files carry, by their text.
extension SplitPattern {
    /// For each known expression, line breaks and tabs as escapes, its pattern.
    static let known: [[UInt8]: SplitPattern] = {
        let table = words + cased + deepSeek + runs
        return Dictionary(table.map { (Array($0.0.utf8), $0.1) }) { first, _ in first }
    }()

    /// What is known, for an error message.
    static let knownNames =
        "those of GPT-2, Llama 3, Qwen, DeepSeek, o200k and Tekken, and runs of spaces or digits"

    private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    private static let lead = #"[^\r\n\p{L}\p{N}]?"#
    private static let tail = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

    private static let words: [(String, SplitPattern)] = [
        (
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
            .words(.gpt2)
        ),
        (
            contractions + "|" + lead + #"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + tail,
            .words(.llama3)
        ),
        (
            contractions + "|" + lead + #"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + tail,
            .words(.qwen2)
        ),
        (
            contractions + "|" + lead
                + #"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + tail, .words(.qwen35)
        ),
    ]

    private static let cased: [(String, SplitPattern)] = {
        let capitals = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let small = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        let titled = lead + capitals + "*" + small + "+"
        let upper = lead + capitals + "+" + small + "*"
        let rest = #" ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + tail
        return [
            (
                titled + contractions + "?|" + upper + contractions + #"?|\p{N}{1,3}|"# + rest,
                .casedWords(.o200k)
            ),
            (titled + "|" + upper + #"|\p{N}|"# + rest, .casedWords(.tekken)),
        ]
    }()

    private static let deepSeek: [(String, SplitPattern)] = [
        (
            ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?"##
                + #"[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"# + tail, .deepSeekWords
        ),
        ("[一-龥\u{3040}-ゟ゠-ヿ]+", .deepSeekIdeographs),
    ]

    /// Two or more spaces of any kind, or one line break or tab: DeBERTa's, as transformers 5 makes it.
    static let spacesAndBreaks = SplitPattern.firstOf([
        .run(.regexSpace, atLeast: 2, atMost: .max), .literal([0x0A]), .literal([0x0D]),
        .literal([0x09]),
    ])

    private static let runs: [(String, SplitPattern)] = {
        let any = Int.max
        let breaks: [SplitPattern] = [.literal([0x0A]), .literal([0x0D]), .literal([0x09])]
        let spaces = SplitPattern.run(.regexSpace, atLeast: 2, atMost: any)
        return [
            (#"\p{N}{1,3}"#, .run(.number, atLeast: 1, atMost: 3)),
            (#"\p{N}"#, .run(.number, atLeast: 1, atMost: 1)),
            (#"\p{N}+"#, .run(.number, atLeast: 1, atMost: any)),
            (#"\s+"#, .run(.regexSpace, atLeast: 1, atMost: any)),
            (#"\s"#, .run(.regexSpace, atLeast: 1, atMost: 1)),
            (#"\s{2,}"#, spaces),
            // DeBERTa's, and its older form.
            (#"\s{2,}|[\n\r\t]"#, spacesAndBreaks),
            (#"[\n\r\t]"#, .firstOf(breaks)),
            (#"[\r\n]"#, .firstOf(Array(breaks.prefix(2)))),
            (" {2,}", .spaces(atLeast: 2)), (" +", .spaces(atLeast: 1)), (" ", .literal([0x20])),
            (#"\n"#, .literal([0x0A])),
        ]
    }()
}
