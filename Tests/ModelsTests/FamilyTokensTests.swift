import Models
import TestSupport
import Testing
import Tokenizers

/// The families' own tokenizers, through the length limit of their folders.
struct FamilyTokensTests {
    /// The ids of every text of a tiny model are the reference's.
    @Test(arguments: try TinyModel.caseNamesWithTexts())
    func givesTheIDsOfTheReference(name: String) throws {
        let folder = try TinyModel.folder(name)
        let description = try ModelDescription(folder: folder.path)
        let tokenizer = try Tokenizer(
            TokenizerFiles(
                exists: folder.contains, contents: folder.read),
            lowercases: description.sequenceLimit.lowercases,
            isPlain: description.usesPlainTokenizer)
        for row in try TinyModel.golden(name) {
            let text = try #require(row.text)
            let ids = tokenizer.encode(text, maxLength: description.sequenceLimit.tokens).ids
            #expect(ids == row.ids, "\(text)")
        }
    }
}
