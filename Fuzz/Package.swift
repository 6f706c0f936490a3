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

/// A room under test; the same arrows as in the product's manifest.
func room(_ name: String, uses: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: uses, swiftSettings: settings)
}

/// A target in `Targets/<name>`: one file with `LLVMFuzzerTestOneInput`, which libFuzzer calls.
func fuzz(_ name: String, uses: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "Fuzz" + name, dependencies: uses, path: "Targets/" + name,
        swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "quiver-fuzz",
    targets: [
        room("HTTPWire"),

        fuzz("RequestParser", uses: ["HTTPWire"]),
        fuzz("ChunkedDecoder", uses: ["HTTPWire"]),
    ]
)
