import Tokenizers

/// What holds for every encoding of every text.
package enum EncodingOracle {
    /// Checks a text alone, cut and as one of a pair.
    package static func check(_ tokenizer: Tokenizer, _ text: String) {
        let whole = tokenizer.encode(text)
        checkRanges(whole, tokenizer, [text])
        precondition(tokenizer.tokenIDs(text).ids == whole.ids, "tokenIDs is not encode")
        let plain = tokenizer.encode(text, addSpecialTokens: false)
        checkRanges(plain, tokenizer, [text])
        let added = whole.isSpecial.count { $0 }
        precondition(plain.ids.count + added == whole.ids.count)
        for limit in [0, added, added + 1, added + 3] {
            let cut = tokenizer.encode(text, maxLength: limit)
            checkRanges(cut, tokenizer, [text])
            precondition(cut.ids.count == min(whole.ids.count, max(limit, added)))
            precondition(cut.isTruncated == (whole.ids.count > cut.ids.count))
            let fast = tokenizer.tokenIDs(text, maxLength: limit)
            precondition(fast.ids == cut.ids && fast.isTruncated == cut.isTruncated)
        }
        let half = String(text.prefix(text.count / 2))
        checkRanges(tokenizer.encode(half, and: text), tokenizer, [half, text])
        checkRanges(tokenizer.encode(half, and: text, maxLength: 7), tokenizer, [half, text])
    }

    /// Checks that arrays are of one length, ids have rows, and offsets are bytes of the text at
    /// the bounds of its scalars.
    package static func checkRanges(_ encoding: Encoding, _ tokenizer: Tokenizer, _ texts: [String])
    {
        let count = encoding.ids.count
        precondition(encoding.typeIDs.count == count && encoding.offsets.count == count)
        precondition(encoding.isSpecial.count == count)
        let scalarBounds = texts.map { text in
            text.utf8.map { $0 & 0xC0 != 0x80 } + [true]
        }
        for (index, id) in encoding.ids.enumerated() {
            precondition(id >= 0 && id < tokenizer.vocabularySize, "\(id) has no row")
            guard let range = encoding.offsets[index] else {
                precondition(encoding.isSpecial[index])
                continue
            }
            let isInside = scalarBounds.contains { bounds in
                range.upperBound < bounds.count && bounds[range.lowerBound]
                    && bounds[range.upperBound]
            }
            precondition(isInside, "\(range) is not a part of the text")
        }
    }
}
