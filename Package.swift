// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "vit-convert",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "ViTToolkit", targets: ["ViTToolkit"]),
        .executable(name: "vit-convert", targets: ["vit-convert"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
    ],
    targets: [
        // What Swift cannot say: system libraries, system calls, matrix products, vector kernels.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSystem"),
        .target(name: "CBLAS"),
        .target(name: "CLoader"),
        .target(name: "CCurl", dependencies: ["CLoader"]),
        .target(name: "CDeflate"),
        .target(name: "CHDF5"),
        .target(name: "CKernels"),
        .target(name: "CImages", dependencies: ["CLoader"]),

        // The house: each target imports only what stands above it in this list.
        .target(name: "TensorCore", dependencies: ["CSystem"]),
        .target(
            name: "Checkpoints",
            dependencies: [
                "TensorCore", "CCurl", "CDeflate", "CHDF5", "CZlib", "CSystem",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "WeightMapping", dependencies: ["TensorCore"]),
        .target(name: "Pictures", dependencies: ["TensorCore", "CImages", "CZlib"]),
        .target(name: "Layers", dependencies: ["TensorCore", "CBLAS", "CKernels"]),
        .target(name: "ViT", dependencies: ["TensorCore", "Layers", "Pictures"]),
        .target(name: "Transformer", dependencies: ["TensorCore", "Layers"]),
        .target(name: "Parity", dependencies: ["TensorCore"]),
        .target(
            name: "ViTToolkit",
            dependencies: [
                "TensorCore", "Checkpoints", "WeightMapping", "Pictures", "Layers", "ViT", "Transformer",
                "Parity",
            ]),
        .executableTarget(
            name: "vit-convert",
            dependencies: [
                "ViTToolkit", "CSystem", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            linkerSettings: [
                // Loading the shared runtime and FoundationEssentials takes half of a short command's time.
                .unsafeFlags(
                    ["-static-stdlib", "-use-ld=lld", "-l_FoundationCollections", "-l_FoundationCShims"],
                    .when(platforms: [.linux], configuration: .release))
            ]),

        .target(name: "TestSupport", dependencies: ["TensorCore", "Checkpoints"], path: "Tests/TestSupport"),
        .testTarget(name: "TensorCoreTests", dependencies: ["TensorCore"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "CDeflate", "TestSupport"]),
        .testTarget(name: "WeightMappingTests", dependencies: ["WeightMapping", "TensorCore"]),
        .testTarget(name: "ViTTests", dependencies: ["ViT", "Layers", "TensorCore"]),
        .testTarget(name: "TransformerTests", dependencies: ["Transformer", "Checkpoints", "TestSupport"]),
        .testTarget(name: "ParityTests", dependencies: ["Parity", "TensorCore"]),
        .testTarget(
            name: "PicturesTests", dependencies: ["Pictures", "TensorCore", "Checkpoints", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: ["TensorCore", "TestSupport"]),
        .testTarget(
            name: "FaultTests", dependencies: ["TensorCore", "TestSupport"], exclude: ["shim.c"]),
        .testTarget(
            name: "ViTToolkitTests", dependencies: ["ViTToolkit", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzz targets, which only `Tests/Fuzz/run` builds: every module is then compiled for libFuzzer.
if Context.environment["VIT_CONVERT_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["ViTToolkit", "TestSupport"], path: "Tests/Fuzz", exclude: ["run"]))
}
