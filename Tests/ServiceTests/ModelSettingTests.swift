import Service
import Testing

/// Which models a configuration asks for: folders, the file's list, and what is wrong with either.
struct ModelSettingTests {
    private func merge(
        flags: [String: [String]] = [:], file: String? = nil
    ) throws(ConfigurationError) -> ServiceConfiguration {
        var parsed: ConfigurationFile?
        if let file { parsed = try ConfigurationFile(path: "q.yaml", text: Array(file.utf8)) }
        return try ServiceConfiguration.merging(flags: flags, environment: [:], file: parsed)
    }

    @Test func oneModelHasAllNames() throws {
        let flags = ["model": ["/a/one/"], "served-model-name": ["x", "*", "y"]]
        let models = try merge(flags: flags).models
        #expect(models.map(\.folder) == ["/a/one/"])
        #expect(models[0].servedNames == ["x", "y"] && models[0].takesAnyName)
        #expect(try merge(flags: ["model": ["/a/one/"]]).models[0].servedNames == ["one"])
    }

    @Test func severalModelsHaveANameEach() throws {
        let named = try merge(flags: ["model": ["/a/one", "/b"], "served-model-name": ["x", "*"]])
        try named.validate()
        #expect(named.models.map(\.servedNames) == [["x"], ["b"]])
        #expect(named.models.map(\.takesAnyName) == [false, true])
        let plain = try merge(flags: ["model": ["/a/one", "/b"], "dtype": ["int8"]])
        try plain.validate()
        #expect(plain.models.map(\.label) == ["one", "b"])
        #expect(plain.models.map(\.dtype) == ["int8", "int8"])
    }

    @Test func theListGivesEachModelItsSettings() throws {
        let file = """
            dtype: float32
            models:
              - path: /m/one
                name: [uno, eins]
                dtype: int8
                truncate: false
                prompt-name: query
              - path: /m/two
                kernels: reference
            truncate: true
            """
        let merged = try merge(file: file)
        try merged.validate()
        #expect(
            merged.models == [
                ModelSetting(
                    folder: "/m/one", names: ["uno", "eins"], dtype: "int8", kernels: "auto",
                    truncate: false, promptName: "query"),
                ModelSetting(
                    folder: "/m/two", names: [], dtype: "float32", kernels: "reference",
                    truncate: true),
            ])
        let flags = ["model": ["/other"]]
        #expect(try merge(flags: flags, file: file).models.map(\.folder) == ["/other"])
    }

    @Test(arguments: [
        ("models:\n- path: a\nmodel: b\n", "q.yaml:3: 'model' and 'models' exclude each other"),
        ("model: b\nmodels:\n- path: a\n", "q.yaml:2: 'model' and 'models' exclude each other"),
        ("models: a\n", "q.yaml:1: 'models' must be a list of entries"),
        ("models: [a, b]\n", "q.yaml:1: 'models' must be a list of entries"),
        ("models: []\n", "q.yaml:1: 'models' must be a list of entries"),
        ("models:\n  path: a\n", "q.yaml:2: 'models' must be a list of mappings"),
        ("models:\n- [a]\n", "q.yaml:2: the list of 'models' may only hold mappings"),
        ("models:\n- name: a\n", "q.yaml:2: an entry of 'models' needs 'path'"),
        ("models:\n- {}\n", "q.yaml:1: an entry of 'models' needs 'path'"),
        ("models:\n- path: [a, b]\n", "q.yaml:2: an entry of 'models' needs 'path'"),
        ("models:\n- path: ''\n", "q.yaml:2: 'path' is '', but must be a text"),
        ("models:\n- path: a\n  dtyp: int8\n", "q.yaml:3: unknown key 'dtyp' of a model; there"),
        ("models:\n- path: a\n  path: b\n", "q.yaml:3: 'path' is there twice"),
        (
            "models:\n- path: a\n  dtype: fp16\n",
            "q.yaml:3: 'dtype' is 'fp16', but must be one of auto"
        ),
        ("models:\n- path: a\n  prompt-name: []\n", "q.yaml:3: 'prompt-name' must be one name"),
        ("models:\n- path: a\n  models:\n  - path: b\n", "q.yaml:3: unknown key 'models' of a"),
        ("models:\n- path: /x/a\n- path: /y/a\n", "'a' is the name of two models, /x/a and /y/a"),
        (
            "models:\n- path: a\n  name: '*'\n- path: b\n  name: '*'\n",
            "'*' is the name of two models, a and b"
        ),
        ("models:\n- path: a\nserved-model-name: x\n", "served-model-name does not go with"),
        ("model: [a, b]\nserved-model-name: x\n", "2 models and 1 served-model-name: give one"),
        ("model: [a, b]\nserved-model-name: [x, x]\n", "'x' is the name of two models, a and b"),
    ])
    func saysWhatIsWrong(file: String, begin: String) {
        #expect {
            try merge(file: file).validate()
        } throws: {
            ($0 as? ConfigurationError)?.description.hasPrefix(begin) == true
        }
    }
}
