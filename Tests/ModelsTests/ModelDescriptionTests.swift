import FoundationEssentials
import Models
import TestSupport
import Testing

struct ModelDescriptionTests {
    @Test func readsAWholeFolder() throws {
        let folder = try TinyModel.folder("dense-tanh")
        let model = try ModelDescription(folder: folder.path + "/")
        #expect(folder.path.hasSuffix("/" + model.folder.name))
        #expect(model.configuration.modelType == "bert")
        #expect(model.configuration.hiddenSize == 32)
        #expect(model.configuration.headWidth == 8)
        #expect(model.pipeline.pooling == PoolingConfiguration(modes: [.mean]))
        #expect(model.pipeline.steps.count == 2)
        #expect(model.pipeline.steps.last == .normalize)
        #expect(model.dimension == 24)
        #expect(model.sequenceLimit.tokens == 32)
        #expect(model.settings.prompt(named: "query") == "")
    }

    @Test func readsPromptsAndWidth() throws {
        let folder = try TinyModel.folder("truncated-width")
        let model = try ModelDescription(folder: folder.path)
        #expect(model.dimension == 12)
        #expect(model.settings.prompts.map(\.name) == ["query", "passage", "document"])
        #expect(model.settings.prompt(named: "query") == "the old ")
        #expect(model.settings.defaultPromptName == "passage")
        #expect(model.settings.similarity == "dot")
    }

    /// The reference's rule for the length, each time with the file that decides it.
    @Test(arguments: [
        (#"{"max_seq_length": 20}"#, #"{"model_max_length": 30}"#, 20, "sentence_bert_config"),
        (#"{"max_seq_length": null}"#, #"{"model_max_length": 30}"#, 30, "tokenizer_config"),
        (#"{}"#, #"{"model_max_length": 30}"#, 30, "tokenizer_config"),
        (#"{}"#, #"{"model_max_length": 1000000000000000019884624838656}"#, 48, "config.json"),
        (#"{}"#, #"{"model_max_length": 512}"#, 48, "max_position_embeddings"),
        (#"{}"#, #"{}"#, 48, "max_position_embeddings"),
        (#"{}"#, #"{"max_len": 10}"#, 10, "max_len"),
        (#"{"max_seq_length": 512}"#, #"{}"#, 48, "48 positions"),
        (
            #"{"max_seq_length": 9, "tokenizer_args": {"model_max_length": 11}}"#, #"{}"#, 11,
            "tokenizer_args"
        ),
    ])
    func findsTheLength(
        settings: String, tokenizer: String, tokens: Int, origin: String
    ) throws {
        let folder = try TinyModel.folder("bert")
        try folder.write("sentence_bert_config.json", settings)
        try folder.write("tokenizer_config.json", tokenizer)
        let limit = try ModelDescription(folder: folder.path).sequenceLimit
        #expect(limit.tokens == tokens)
        #expect(limit.origin.contains(origin))
    }

    /// Without a `modules.json` the reference does not look at the module's settings.
    @Test func passesOverSettingsOfUnlistedModules() throws {
        let folder = try TinyModel.folder("bert")
        try folder.write(
            "sentence_bert_config.json", #"{"max_seq_length": 9, "do_lower_case": true}"#)
        try folder.remove("modules.json")
        let limit = try ModelDescription(folder: folder.path).sequenceLimit
        #expect(limit.tokens == 40 && !limit.lowercases && limit.settingsFile == nil)
    }

    @Test func followsModulesIntoFolders() throws {
        let folder = try TinyModel.folder("bert")
        for name in ["config.json", "sentence_bert_config.json", "tokenizer_config.json"] {
            let url = URL(filePath: "\(folder.path)/\(name)")
            try folder.write("0_Transformer/" + name, Array(try Data(contentsOf: url)))
            try folder.remove(name)
        }
        try folder.write(
            "modules.json",
            #"""
            [{"idx": 0, "name": "0", "path": "0_Transformer",
              "type": "sentence_transformers.models.BERT"},
             {"idx": 1, "name": "1", "path": "1_Pooling",
              "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
             {"idx": 2, "name": "2", "path": "2_Normalize",
              "type": "sentence_transformers.base.modules.normalize.Normalize"}]
            """#)
        let model = try ModelDescription(folder: folder.path)
        #expect(model.pipeline.inputPath == "0_Transformer")
        #expect(model.sequenceLimit.tokens == 32)
    }

    @Test func poolsByTheLastTokenWithoutModulesWhenCausal() throws {
        let folder = try TinyModel.folder("pooling-unstated")
        #expect(try ModelDescription(folder: folder.path).pipeline.pooling.modes == [.mean])
        try folder.replace(#""BertModel""#, #""BertForCausalLM""#, in: "config.json")
        #expect(try ModelDescription(folder: folder.path).pipeline.pooling.modes == [.lastToken])
        try folder.replace(
            "\"model_type\"", "\"is_causal\": false, \"model_type\"", in: "config.json")
        #expect(try ModelDescription(folder: folder.path).pipeline.pooling.modes == [.mean])
    }

    @Test func takesUntidyPaths() throws {
        let folder = try TinyModel.folder("bert")
        let tidy = try ModelDescription(folder: folder.path).pipeline
        try folder.replace("\"path\": \"\"", "\"path\": \"./\"", in: "modules.json")
        try folder.replace("\"1_Pooling\"", "\"./1_Pooling/\"", in: "modules.json")
        #expect(try ModelDescription(folder: folder.path).pipeline == tidy)
    }

    @Test func refusesAdapters() throws {
        let folder = try TinyModel.folder("bert")
        try folder.write("adapter_config.json", "{}")
        let description = try ModelDescription(folder: folder.path)
        let error = #expect(throws: ModelError.self) { try description.weights() }
        #expect(error?.description.contains("adapter_config.json: weights with an adapter") == true)
    }

    @Test func keepsTokenizerAndTableTogether() throws {
        let folder = try TinyModel.folder("bert")
        let configuration = try ModelDescription(folder: folder.path).configuration
        let size = configuration.vocabularySize
        try configuration.check(tokenizerVocabulary: size, file: "tokenizer.json")
        let error = #expect(throws: ModelError.self) {
            try configuration.check(tokenizerVocabulary: size + 1, file: "tokenizer.json")
        }
        #expect(error?.description.contains("tokenizer.json: vocabulary: has ids up to") == true)
    }
}

/// Folders that must be refused, and the words with which they are.
struct HostileFolderTests {
    struct Change: Sendable, CustomTestStringConvertible {
        var file: String
        var from: String
        var to: String
        var message: String

        init(_ file: String, _ from: String, _ to: String, _ message: String) {
            self.file = file
            self.from = from
            self.to = to
            self.message = message
        }

        var testDescription: String { "\(file): \(from) -> \(to.prefix(60))" }
    }

    private func refusal(of folder: TemporaryFolder) -> String {
        let error = #expect(throws: ModelError.self) { try ModelDescription(folder: folder.path) }
        return error?.description ?? ""
    }

    static let numbers: [Change] = [
        ("hidden_size", "32", "0"), ("hidden_size", "32", "-1"),
        ("hidden_size", "32", "4611686018427387904"), ("hidden_size", "32", "1e999"),
        ("hidden_size", "32", "32.5"), ("hidden_size", "32", "\"32\""),
        ("hidden_size", "32", "true"), ("hidden_size", "32", "[32]"),
        ("hidden_size", "32", "33"), ("hidden_size", "32", "null"),
        ("num_attention_heads", "4", "0"), ("num_attention_heads", "4", "5000000000"),
        ("num_hidden_layers", "2", "1000000000"), ("num_hidden_layers", "2", "0"),
        ("intermediate_size", "72", "99999999999999999999"),
        ("layer_norm_eps", "1e-12", "0"), ("layer_norm_eps", "1e-12", "-1e-12"),
        ("layer_norm_eps", "1e-12", "\"nan\""), ("layer_norm_eps", "1e-12", "1e400"),
        ("max_position_embeddings", "48", "0"), ("max_position_embeddings", "48", "null"),
        ("type_vocab_size", "2", "-2"), ("pad_token_id", "0", "-7"),
        ("hidden_act", "\"gelu\"", "\"swoosh\""), ("hidden_act", "\"gelu\"", "3"),
        ("model_type", "\"bert\"", "\"gpt17\""), ("model_type", "\"bert\"", "null"),
    ].map { key, from, to in
        Change("config.json", "\"\(key)\": \(from)", "\"\(key)\": \(to)", "config.json: \(key): ")
    }

    static let changes: [Change] = [
        .init(
            "config.json", "\"model_type\"", "\"is_decoder\": true, \"model_type\"", "is_decoder"),
        .init(
            "config.json", "\"model_type\"",
            "\"position_embedding_type\": \"relative_key\", \"model_type\"",
            "position_embedding_type: relative_key is not supported (supported: absolute)"),
        .init("config.json", "\"model_type\": \"bert\"", "\"model_type\": \"gpt17\"", "bert"),
        .init(
            "config.json", "\"model_type\"", "\"model_type\": \"x\", \"model_type\"",
            "the key 'model_type' is there twice"),
        .init("config.json", "}", "},", "config.json: not valid JSON"),
        .init("modules.json", "models.Pooling", "models.BoW", "[1].type"),
        .init(
            "modules.json", "sentence_transformers.models.Pooling", "mine.Pooling", "mine.Pooling"),
        .init("modules.json", "models.Normalize", "models.Pooling", "[2].type: Pooling"),
        .init("modules.json", "models.Transformer", "models.Normalize", "[0].type: Normalize"),
        .init("modules.json", "models.Pooling", "models.Normalize", "[1].type: Normalize"),
        .init("modules.json", "1_Pooling", "../1_Pooling", "[1].path"),
        .init("modules.json", "1_Pooling", "/etc", "[1].path"),
        .init("modules.json", "1_Pooling", "1_Pooling/..", "[1].path"),
        .init("modules.json", "1_Pooling", "1_Pool", "1_Pool/config.json: No such file"),
        .init("1_Pooling/config.json", "32", "31", "word_embedding_dimension: 31 here"),
        .init("1_Pooling/config.json", "mean_tokens\": true", "mean_tokens\": 1", "mean_tokens"),
        .init(
            "1_Pooling/config.json", "{", "{\"pooling_mode_middle_token\": true,",
            "pooling_mode_middle_token: true is not supported"),
        .init(
            "1_Pooling/config.json", "{", "{\"pooling_mode\": \"median\",",
            "pooling_mode: median is not supported (supported: cls, max, mean"),
        .init("1_Pooling/config.json", "{", "{\"pooling_mode\": [],", "pooling_mode: is empty"),
        .init("sentence_bert_config.json", "32", "0", "max_seq_length: 0 is not"),
        .init("sentence_bert_config.json", "32", "\"32\"", "max_seq_length: a whole number"),
        .init(
            "sentence_bert_config.json", "{", "{\"transformer_task\": \"fill-mask\",",
            "transformer_task: fill-mask is not supported"),
        .init(
            "sentence_bert_config.json", "{", "{\"modality_config\": {\"message\": {}},",
            "modality_config: message is not supported (supported: text)"),
        .init(
            "sentence_bert_config.json", "{", "{\"query_length\": 32,",
            "query_length: a value is not supported (supported: null)"),
        .init(
            "sentence_bert_config.json", "{",
            "{\"processing_kwargs\": {\"text\": {\"max_length\": 9}},",
            "processing_kwargs.text: a value is not supported"),
        .init(
            "sentence_bert_config.json", "{", "{\"config_args\": {\"is_causal\": false},",
            "config_args.is_causal: a value is not supported"),
        .init(
            "sentence_bert_config.json", "{",
            "{\"tokenizer_args\": {\"model_max_length\": 9, \"do_lower_case\": false},",
            "tokenizer_args.do_lower_case: a value is not supported"),
        .init("tokenizer_config.json", "{", "[", "tokenizer_config.json: not valid JSON"),
    ]

    @Test(arguments: numbers + changes)
    func saysWhatIsWrong(change: Change) throws {
        let folder = try TinyModel.folder("bert")
        try folder.replace(change.from, change.to, in: change.file)
        let line = refusal(of: folder)
        #expect(line.contains(change.message), "\(line)")
        #expect(line.hasPrefix(folder.path + "/") && !line.contains("\n"))
    }

    @Test(arguments: ["config.json", "1_Pooling/config.json"])
    func namesTheFileThatIsMissing(name: String) throws {
        let folder = try TinyModel.folder("bert")
        try folder.remove(name)
        #expect(
            refusal(of: folder)
                == "\(folder.path)/\(name): No such file or directory (open, errno 2)")
    }

    @Test func listsTheFamiliesForAnUnknownOne() throws {
        let folder = try TinyModel.folder("bert")
        try folder.replace("\"bert\"", "\"gpt\\u000a17\"", in: "config.json")
        #expect(
            refusal(of: folder).hasPrefix(
                "\(folder.path)/config.json: model_type: gpt\\u{a}17 is not supported "
                    + "(supported: bert"))
    }

    /// Every prefix of every configuration file is refused with a message, none traps.
    @Test(arguments: ["config.json", "modules.json", "1_Pooling/config.json"])
    func refusesEveryTruncation(name: String) throws {
        let folder = try TinyModel.folder("bert")
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)")))
        let text = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        for count in 0..<text.count {
            try folder.write(name, Array(text.prefix(count)))
            #expect(throws: ModelError.self, "\(count)") {
                try ModelDescription(folder: folder.path)
            }
        }
    }

    @Test func boundsDepthAndSize() throws {
        let folder = try TinyModel.folder("bert")
        let deep = String(repeating: "[", count: 1_000_000)
        try folder.write("config.json", deep)
        #expect(refusal(of: folder).contains("nested deeper than"))
        try folder.write("config.json", String(repeating: " ", count: 5 << 20))
        #expect(refusal(of: folder).contains("at most 4194304 are read"))
    }

    static let families: [(String, Change)] = [
        (
            "roberta",
            .init(
                "config.json", "\"max_position_embeddings\": 42", "\"max_position_embeddings\": 2",
                "2 leaves no position behind pad_token_id 1")
        ),
        (
            "xlm-roberta",
            .init("config.json", "\"pad_token_id\": 1", "\"pad_token_id\": 41", "pad_token_id 41")
        ),
        (
            "distilbert",
            .init("config.json", "\"dim\": 24", "\"hidden_size\": 24", "dim: is missing")
        ),
        (
            "electra",
            .init(
                "config.json", "\"embedding_size\": 24", "\"embedding_size\": 0",
                "embedding_size: 0 is not a whole number from 1")
        ),
        (
            "deberta-v3",
            .init(
                "config.json", "\"norm_rel_ebd\": \"layer_norm\"",
                "\"norm_rel_ebd\": \"rms_norm\"", "norm_rel_ebd: rms_norm is not supported")
        ),
        (
            "deberta-v3",
            .init(
                "config.json", "\"position_buckets\": 16", "\"position_buckets\": 512",
                "position_buckets: 512 buckets do not fit max_relative_positions 96")
        ),
        (
            "deberta-v3",
            .init("config.json", "\"p2c\"", "\"p2p\"", "pos_att_type: p2p is not supported")
        ),
        (
            "deberta-v2-convolution",
            .init(
                "config.json", "\"conv_kernel_size\": 3", "\"conv_kernel_size\": 4",
                "conv_kernel_size: 4 is not supported (supported: an odd number)")
        ),
        (
            "t5",
            .init(
                "config.json", "\"feed_forward_proj\": \"relu\"",
                "\"feed_forward_proj\": \"gated-swish\"",
                "feed_forward_proj: gated-swish is not supported (supported: relu, gelu,")
        ),
        (
            "t5-gated",
            .init(
                "config.json", "\"relative_attention_max_distance\": 40",
                "\"relative_attention_max_distance\": 4",
                "relative_attention_max_distance: 4 is within the exact ones of 16 buckets")
        ),
        (
            "albert",
            .init(
                "config.json", "\"num_hidden_groups\": 1", "\"num_hidden_groups\": 9",
                "num_hidden_groups: 9 groups for num_hidden_layers 4")
        ),
        (
            "mpnet",
            .init(
                "config.json", "\"relative_attention_num_buckets\": 32",
                "\"relative_attention_num_buckets\": 64",
                "relative_attention_num_buckets: 64 is not supported (supported: 32)")
        ),
        ("distilbert", .init("config.json", "\"n_heads\": 2", "\"n_heads\": 5", "dim: 24 is not")),
        (
            "distilbert",
            .init("config.json", "\"gelu\"", "\"geglu\"", "activation: geglu is not supported")
        ),
        (
            "nomic-old",
            .init(
                "config.json", "\"prenorm\": false", "\"prenorm\": true",
                "prenorm: true is not supported (supported: false)")
        ),
        (
            "nomic-old",
            .init(
                "config.json", "\"swiglu\"", "\"relu\"",
                "activation_function: relu is not supported (supported: swiglu, geglu, glu, gelu)")
        ),
        (
            "gte-new",
            .init(
                "config.json", "\"logn_attention_scale\": false", "\"logn_attention_scale\": true",
                "logn_attention_scale: true is not supported")
        ),
        (
            "gte-new",
            .init(
                "config.json", "\"ntk\"", "\"su\"",
                "rope_scaling.type: su is not supported (supported: default, linear")
        ),
        (
            "llama-longrope",
            .init(
                "config.json", "16.0", "16.0, 2",
                "rope_scaling.long_factor: has 5 factors, and 4 pairs of columns rotate")
        ),
        (
            "llama-longrope",
            .init(
                "config.json", "\"short_factor\"", "\"short\"",
                "rope_scaling.short_factor: is missing")
        ),
        (
            "longformer-even",
            .init(
                "config.json", "\"attention_window\": 16", "\"attention_window\": 7",
                "attention_window: a window is even")
        ),
        (
            "longformer-even",
            .init(
                "config.json", "\"attention_window\": 16", "\"attention_window\": [2, 4]",
                "attention_window: has 2 windows for 3 layers")
        ),
        (
            "bigbird",
            .init(
                "config.json", "\"block_sparse\"", "\"block_dense\"",
                "attention_type: block_dense is not supported "
                    + "(supported: block_sparse, original_full)")
        ),
        (
            "llama-yarn",
            .init(
                "config.json", "\"factor\": 4.0", "\"factor\": 0", "rope_scaling.factor: 0.0 is not"
            )
        ),
        (
            "gemma-causal",
            .init(
                "config.json", "\"attn_logit_softcapping\": null",
                "\"attn_logit_softcapping\": 50.0",
                "attn_logit_softcapping: 50.0 is not supported (supported: null)")
        ),
        (
            "jina",
            .init(
                "config.json", "\"geglu\"", "\"original\"",
                "feed_forward_type: original is not supported (supported: geglu, reglu)")
        ),
        (
            "modernbert",
            .init(
                "config.json", "\"sliding_attention\",", "\"chunked_attention\",",
                "layer_types: chunked_attention is not supported")
        ),
    ]

    @Test(arguments: families)
    func checksOtherFamilies(name: String, change: Change) throws {
        let folder = try TinyModel.folder(name)
        try folder.replace(change.from, change.to, in: change.file)
        let line = refusal(of: folder)
        #expect(line.contains(change.message), "\(line)")
    }

    static let settings: [(String, String)] = [
        (#"{"prompts": []}"#, "prompts: an object"),
        (#"{"prompts": {"query": 3}}"#, "prompts.query: a string"),
        (
            #"{"default_prompt_name": "x"}"#,
            "default_prompt_name: there is no prompt x (prompts: query, document)"
        ),
        (#"{"truncate_dim": 0}"#, "truncate_dim: 0 is not"),
        (#"{"similarity_fn_name": "hamming"}"#, "similarity_fn_name: hamming is not supported"),
        (#"{"model_type": "CrossEncoder"}"#, "model_type: CrossEncoder is not supported"),
    ]

    @Test(arguments: settings)
    func checksPromptsAndWidth(text: String, message: String) throws {
        let folder = try TinyModel.folder("bert")
        try folder.write("config_sentence_transformers.json", text)
        let line = refusal(of: folder)
        #expect(line.contains("config_sentence_transformers.json: \(message)"), "\(line)")
    }

    static let dense: [Change] = [
        .init(
            "2_Dense/config.json", "\"in_features\": 32", "\"in_features\": 31", "in_features: 31"),
        .init("2_Dense/config.json", "\"out_features\": 24", "\"out_features\": 0", "out_features"),
        .init(
            "2_Dense/config.json", "activation.Tanh", "activation.PReLU", "PReLU is not supported"),
        .init("2_Dense/config.json", "\"bias\": true", "\"bias\": \"yes\"", "bias: true or false"),
        .init(
            "2_Dense/config.json", "{", "{\"module_input_name\": \"token_embeddings\",",
            "module_input_name: token_embeddings is not supported"),
    ]

    @Test(arguments: dense)
    func checksDense(change: Change) throws {
        let folder = try TinyModel.folder("dense-tanh")
        try folder.replace(change.from, change.to, in: change.file)
        let line = refusal(of: folder)
        #expect(line.contains(change.message), "\(line)")
    }
}
