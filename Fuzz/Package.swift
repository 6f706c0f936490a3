// swift-tools-version: 6.2
// Fuzz targets, apart from the product's package so that building that never needs a sanitizer. The
// rooms are links to the product's sources: one package, so `package` declarations can be used.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    // Coverage, which libFuzzer steers by; `run` links its driver in.
    .unsafeFlags(["-sanitize=fuzzer"]),
]

/// A room under test, or the files of it that need no more than `uses`; the same arrows as in the
/// product's manifest.
func room(_ name: String, uses: [Target.Dependency] = [], sources: [String]? = nil) -> Target {
    .target(name: name, dependencies: uses, sources: sources, swiftSettings: settings)
}

/// A target in `Targets/<name>`: one file with `LLVMFuzzerTestOneInput`, which libFuzzer calls; with
/// it, as links, files whose declarations are a room's own.
func fuzz(_ name: String, uses: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "Fuzz" + name, dependencies: uses, path: "Targets/" + name,
        swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "quiver-fuzz",
    targets: [
        room("HTTPWire"),
        .target(name: "CPlatform"),
        room("Platform", uses: ["CPlatform"]),
        room("JSON"),
        room("Tokenizers", uses: ["JSON"]),
        // What reads requests; a file that it comes to need is named here.
        room(
            "Service", uses: ["HTTPWire", "JSON", "Platform"],
            sources: [
                "Access/TokenQuota.swift", "APIError.swift", "Context/ContextChoice.swift",
                "PromptChoice.swift", "Routes/EmbeddingsRequest.swift", "Routes/MediaType.swift",
                "Routes/FieldReader.swift", "Routes/TokenizeRequest.swift",
            ]),

        // What the two tokenizer targets check.
        .target(
            name: "EncodingOracle", dependencies: ["Tokenizers"], swiftSettings: settings),

        fuzz("RequestParser", uses: ["HTTPWire"]),
        fuzz("ChunkedDecoder", uses: ["HTTPWire"]),
        fuzz("EmbeddingsRequest", uses: ["JSON", "Service"]),
        fuzz("SafetensorsHeader", uses: ["JSON"]),
        fuzz("TokenizerFile", uses: ["EncodingOracle", "Tokenizers"]),
        fuzz("TokenizerText", uses: ["EncodingOracle", "Tokenizers"]),
    ]
)
