// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

/// A Swift room of the house; the arrows between rooms are the `uses` lists, and nothing else.
func room(_ name: String, uses: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: uses, swiftSettings: settings)
}

func tests(_ name: String, uses: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: uses, swiftSettings: settings)
}

let collections: [Target.Dependency] = [
    .product(name: "DequeModule", package: "swift-collections"),
    .product(name: "HeapModule", package: "swift-collections"),
]

let package = Package(
    name: "quiver",
    products: [.executable(name: "quiver", targets: ["quiver"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        // C: each has exactly one Swift room above it.
        .target(
            name: "CKernels",
            // The kernels are the product: they are optimised in debug builds too, and never contracted
            // or reassociated by the compiler, so that every build gives the same bits.
            cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-Wall", "-Wextra"])]),
        .target(name: "CPlatform"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        room("Platform", uses: ["CPlatform"]),
        room("JSON", uses: []),
        room("HTTPWire", uses: []),
        room("HTTPServer", uses: ["HTTPWire", "Platform", "COpenSSL", "CZlib"]),
        room("Tokenizers", uses: ["JSON"]),
        room("Kernels", uses: ["CKernels", "Platform"]),
        room("Models", uses: ["JSON", "Kernels", "Platform"]),
        room("Batching", uses: ["Platform"] + collections),
        room(
            "Service",
            uses: [
                "Batching", "CYAML", "HTTPServer", "HTTPWire", "JSON", "Kernels", "Models",
                "Platform",
                "Tokenizers",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "quiver",
            dependencies: [
                "Service",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: [], path: "Tests/TestSupport",
            swiftSettings: settings),
        tests("Platform", uses: ["Platform", "TestSupport"]),
        tests("JSON", uses: ["JSON", "TestSupport"]),
        tests("HTTPWire", uses: ["HTTPWire", "TestSupport"]),
        tests(
            "HTTPServer",
            uses: ["COpenSSL", "HTTPServer", "HTTPWire", "Platform", "TestSupport"]),
        tests("Tokenizers", uses: ["JSON", "Tokenizers", "TestSupport"]),
        // For scripts/golden/tokenizer_torture.py.
        .executableTarget(
            name: "tokenizer-trace", dependencies: ["Platform", "Tokenizers"],
            path: "Tests/TokenizerTrace", swiftSettings: settings),
        .target(
            name: "CKernelsCheck", dependencies: ["CKernels"], path: "Tests/CKernelsCheck",
            cSettings: [.unsafeFlags(["-O2", "-ffp-contract=off"])]),
        tests(
            "Kernels", uses: ["CKernels", "CKernelsCheck", "Kernels", "Platform", "TestSupport"]),
        tests(
            "Models", uses: ["JSON", "Kernels", "Models", "Platform", "Tokenizers", "TestSupport"]),
        tests("Batching", uses: ["Batching", "Platform", "TestSupport"] + collections),
        tests(
            "Service",
            uses: [
                "Batching", "Service", "HTTPServer", "HTTPWire", "JSON", "Kernels", "Models",
                "Platform", "TestSupport", .product(name: "Logging", package: "swift-log"),
            ]),
    ]
)
