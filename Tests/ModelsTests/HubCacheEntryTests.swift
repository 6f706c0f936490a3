import FoundationEssentials
import Models
import TestSupport
import Testing

/// Models where huggingface_hub keeps what it has downloaded.
struct HubCacheEntryTests {
    private let hub: TemporaryFolder
    private let model: TemporaryFolder
    private var entry: String { hub.path + "/models--some-org--tiny-bert" }

    /// Each revision's files are links, as in the real cache.
    init() throws {
        hub = try TemporaryFolder()
        model = try TinyModel.folder("bert")
    }

    private func addRevision(_ revision: String) throws {
        let files = FileManager.default
        let snapshot = entry + "/snapshots/" + revision
        try files.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: model.path) {
            try files.createSymbolicLink(
                atPath: snapshot + "/" + name, withDestinationPath: model.path + "/" + name)
        }
    }

    private func setCurrent(_ revision: String) throws {
        try hub.write("models--some-org--tiny-bert/refs/main", revision)
    }

    private func folder(_ path: String) throws -> String {
        try ModelDescription(folder: path).folder.path
    }

    private var refusal: String {
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: entry) }
        return error?.description ?? ""
    }

    @Test func takesTheCurrentRevision() throws {
        for revision in ["aaa", "bbb", "ccc"] { try addRevision(revision) }
        try setCurrent("bbb\n")
        #expect(try folder(entry) == entry + "/snapshots/bbb")
        #expect(try folder(entry + "/snapshots/ccc/") == entry + "/snapshots/ccc")
        #expect(try ModelDescription(folder: entry).weights().names.isEmpty == false)
    }

    @Test(arguments: [nil, "gone", "../../..", ""])
    func takesTheOnlyRevisionWhereNoneIsCurrent(current: String?) throws {
        try addRevision("aaa")
        if let current { try setCurrent(current) }
        #expect(try folder(entry + "/") == entry + "/snapshots/aaa")
    }

    @Test func asksWhichOfSeveral() throws {
        for revision in ["bbb", "aaa"] { try addRevision(revision) }
        #expect(
            refusal
                == "\(entry)/snapshots: holds several revisions; name the folder of one: aaa, bbb")
    }

    @Test func saysThatThereIsNone() throws {
        try hub.write("models--some-org--tiny-bert/snapshots/.keep", "")
        #expect(refusal.hasPrefix("\(entry)/snapshots: holds no revision"))
    }

    @Test(arguments: [
        ("/hub/models--some-org--tiny-bert", "tiny-bert"),
        ("/hub/models--some-org--tiny-bert/", "tiny-bert"),
        ("/hub/models--some-org--tiny-bert/snapshots/0123abc", "tiny-bert"),
        ("models--gpt2/snapshots/0123abc/", "gpt2"), ("models--gpt2", "gpt2"),
        ("/hub/models--some-org--tiny-bert/blobs/0123abc", "0123abc"),
        ("/a/snapshots/models", "models"), ("/a/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("/a/models--", "models--"), ("/", "/"),
    ])
    func namesTheModel(path: String, name: String) {
        #expect(ModelFolder.modelName(of: path) == name)
    }
}
