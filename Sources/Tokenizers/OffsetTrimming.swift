extension PostProcessor.Trimming {
    /// Leaves white space at the ends of tokens out of their ranges, as byte-level post-processors do.
    ///
    /// The reference counts spaces in the token and takes as many characters off the range.
    func trim(_ encoding: inout Encoding, tokens: [Token], of text: AlignedText, original: [UInt8])
    {
        for (index, token) in tokens.enumerated() {
            guard let range = encoding.offsets[index] else { continue }
            var leading = 0
            var trailing = 0
            var isLeading = true
            text.forEachScalar(in: token.range) { scalar, _ in
                let isSpace =
                    scalar == ByteSpelling.space || ScalarClasses.contains(scalar, .whiteSpace)
                isLeading = isLeading && isSpace
                if isLeading { leading += 1 }
                trailing = isSpace ? trailing + 1 : 0
            }
            let isFirst = index == 0 || range.lowerBound == 0
            if isFirst, addsPrefixSpace, leading == 1 { leading = 0 }
            var lower = range.lowerBound
            for _ in 0..<leading where lower < range.upperBound {
                lower += UTF8Scalars.length(startingWith: original[lower])
            }
            lower = min(lower, range.upperBound)
            var upper = range.upperBound
            for _ in 0..<trailing where upper > lower {
                upper -= 1
                while upper > lower, original[upper] & 0xC0 == 0x80 { upper -= 1 }
            }
            encoding.offsets[index] = lower..<upper
        }
    }
}
