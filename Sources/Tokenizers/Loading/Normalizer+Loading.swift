extension Normalizer {
    private static let supported = [
        "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt",
        "Precompiled", "Prepend", "Replace", "SentencePiece", "Sequence", "Strip", "StripAccents",
    ]

    /// A `normalizer` section.
    init(from field: Field) throws(TokenizerFileError) {
        switch try field.string("type") {
        case "BertNormalizer": self = .bert(try BertNormalizer(from: field))
        case "ByteLevel": self = .byteLevel
        case "Lowercase": self = .lowercase
        case "NFC": self = .compose(isCompatible: false)
        case "NFD": self = .decompose(isCompatible: false)
        case "NFKC": self = .compose(isCompatible: true)
        case "NFKD": self = .decompose(isCompatible: true)
        case "Nmt": self = .nmt
        case "Precompiled": self = try Self.precompiled(field)
        case "SentencePiece": self = try Self.sentencePiece(field)
        case "Prepend": self = .prepend(Array(try field.string("prepend").utf8))
        case "Replace":
            self = .replace(
                try SplitPattern(from: try field.required("pattern")),
                Array(try field.string("content").utf8))
        case "Strip":
            self = .strip(
                left: try field.bool("strip_left", default: true),
                right: try field.bool("strip_right", default: true))
        case "StripAccents": self = .stripAccents
        case "Sequence":
            var steps: [Normalizer] = []
            for step in try field.required("normalizers").elements() {
                steps.append(try Normalizer(from: step))
            }
            self = .sequence(steps)
        case let type: throw field.unsupported(type, supported: Self.supported)
        }
    }

    /// A map of nothing normalizes nothing: files have null for it.
    private static func precompiled(_ field: Field) throws(TokenizerFileError) -> Normalizer {
        guard let encoded = try field.member("precompiled_charsmap") else { return .sequence([]) }
        guard let bytes = Base64.decode(try encoded.string()), let map = PrecompiledMap(bytes)
        else {
            throw encoded.error("must be a character map in base64")
        }
        return .precompiled(map)
    }
}

extension Normalizer {
    /// Not the reference's: what `scripts/convert/use_multilingual.py` writes.
    private static func sentencePiece(_ field: Field) throws(TokenizerFileError) -> Normalizer {
        let encoded = try field.required("precompiled_charsmap")
        guard let bytes = Base64.decode(try encoded.string()), let map = SentencePieceMap(bytes)
        else {
            throw encoded.error("must be a character map in base64")
        }
        return .sentencePiece(map)
    }
}

extension BertNormalizer {
    init(from field: Field) throws(TokenizerFileError) {
        cleansText = try field.bool("clean_text", default: true)
        isolatesChinese = try field.bool("handle_chinese_chars", default: true)
        stripsAccents = try field.member("strip_accents")?.bool()
        lowercases = try field.bool("lowercase", default: true)
    }
}

/// RFC 4648 base64.
enum Base64 {
    /// The bytes of a text, or nil when it is not base64.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var digits = 0
        var isPadding = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "=") {
                isPadding = true
                continue
            }
            guard let digit = digit(byte), !isPadding else { return nil }
            group = group << 6 | digit
            digits += 1
            if digits == 4 {
                for shift: UInt32 in [16, 8, 0] {
                    bytes.append(UInt8(truncatingIfNeeded: group >> shift))
                }
                group = 0
                digits = 0
            }
        }
        switch digits {
        case 0: break
        case 2: bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        default: return nil
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 97 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
