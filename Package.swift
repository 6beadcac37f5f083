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
        // System libraries and the C seam for what the vector units do.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CBLAS"),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),

        // The house: each target imports only what stands above it in this list.
        .target(name: "TensorCore"),
        .target(
            name: "Checkpoints",
            dependencies: ["TensorCore", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "WeightMapping", dependencies: ["TensorCore"]),
        .target(name: "ViT", dependencies: ["TensorCore", "CBLAS", "CKernels"]),
        .target(name: "Parity", dependencies: ["TensorCore", "ViT"]),
        .target(
            name: "ViTToolkit",
            dependencies: ["TensorCore", "Checkpoints", "WeightMapping", "ViT", "Parity"]),
        .executableTarget(
            name: "vit-convert",
            dependencies: [
                "ViTToolkit", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
