/// A step that cuts normalized text into words: the `pre_tokenizer` of `tokenizer.json`.
indirect enum PreTokenizer: Sendable, Equatable {
    case bert
    case whitespaceSplit
    case sequence([PreTokenizer])

    func preTokenize(_ text: inout PreTokenizedText) {
        switch self {
        case .bert:
            text.split { Self.removeWhiteSpace($0, $1, $2) }
            text.split { Self.isolate(.punctuation8, $0, $1, $2) }
        case .whitespaceSplit:
            text.split { Self.removeWhiteSpace($0, $1, $2) }
        case .sequence(let steps):
            for step in steps { step.preTokenize(&text) }
        }
    }

    /// Cuts at white space, which is dropped.
    private static func removeWhiteSpace(
        _ text: borrowing AlignedText, _ range: Range<Int>, _ emit: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        text.forEachScalar(in: range) { scalar, position in
            guard ScalarClasses.contains(scalar, .whiteSpace) else { return }
            emit(start..<position)
            start = position + UTF8Scalars.length(of: scalar)
        }
        emit(start..<range.upperBound)
    }

    /// Makes each scalar of a class a piece of its own.
    private static func isolate(
        _ classes: ScalarClasses, _ text: borrowing AlignedText, _ range: Range<Int>,
        _ emit: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        text.forEachScalar(in: range) { scalar, position in
            guard ScalarClasses.contains(scalar, classes) else { return }
            let end = position + UTF8Scalars.length(of: scalar)
            emit(start..<position)
            emit(position..<end)
            start = end
        }
        emit(start..<range.upperBound)
    }
}
